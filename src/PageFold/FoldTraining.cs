namespace PageFold;

/// <summary>What a training of tables of <see cref="PageCodec.Fold"/> found.</summary>
public sealed record FoldTraining
{
    /// <summary>The least number of samples that tables are trained on.</summary>
    public const int MinSamples = 64;

    /// <summary>
    /// The tables; empty if there were fewer than <see cref="MinSamples"/> samples, or the tables gain less than was asked for.
    /// </summary>
    public ReadOnlyMemory<byte> Tables { get; init; }

    /// <summary>Pages that were read as samples, or that were there to be read if they were fewer than <see cref="MinSamples"/>.</summary>
    public required int Samples { get; init; }

    /// <summary>True if memory was short for more samples; with more, the tables may gain more.</summary>
    public bool IsShortOfMemory { get; init; }

    /// <summary>
    /// The part of the bytes that the best tables saved of the samples that decide, whether it was enough or not; negative if the pages
    /// took more. Null if nothing was trained.
    /// </summary>
    public double? Gain { get; init; }
}
