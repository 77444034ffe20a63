using PageFold.Compression;
using PageFold.Compression.Fold.Training;

namespace PageFold;

/// <summary>What <see cref="PageCodec.TrainFold"/> makes tables for.</summary>
public sealed record FoldTrainingOptions
{
    /// <summary>The level that the tables are judged by; both levels can use them. Default dense.</summary>
    public FoldLevel Level { get; init; } = FoldLevel.Dense;

    /// <summary>
    /// The maximum length of the dictionary in bytes: 1,024 to 65,536, or 0 for tables without a dictionary. Default 32,768.
    /// </summary>
    /// <remarks>Texts of a few hundred bytes need a dictionary: by themselves they repeat little.</remarks>
    public int DictionaryBytes { get; init; } = 32 << 10;

    /// <summary>
    /// The bytes of a sample that are read, from its beginning: 1 to 65,536. Default 4,096.
    /// </summary>
    /// <remarks>
    /// What a dictionary gains it gains at the beginning of a text, so the rest of long samples says little. Codecs with the tables take
    /// texts of any length all the same.
    /// </remarks>
    public int SampleBytes { get; init; } = 4 << 10;

    /// <summary>
    /// The part of the bytes that the tables must save, compared with those in use, from 0 to less than 1. Default 0.02.
    /// </summary>
    public double LeastGain { get; init; } = 0.02;

    /// <summary>
    /// The codec in use: tables are returned only if they save more than it does, and than the built-in ones. Null (the default) for
    /// the built-in ones alone.
    /// </summary>
    public PageCodec? InUse { get; init; }

    /// <summary>Returns the maximum of bytes that a training on samples of these lengths takes in addition to the samples.</summary>
    /// <param name="lengths">Bytes of each sample.</param>
    /// <exception cref="ArgumentException">An option is out of range, or a length is negative.</exception>
    public long MemoryNeeded(ReadOnlySpan<int> lengths)
    {
        Check();
        CodecThrow.IfLengthInvalid(lengths);
        return TablesTrainer.MaxBytes(lengths, this);
    }

    /// <summary>Throws if an option is out of range.</summary>
    internal void Check()
    {
        CodecThrow.IfLevelInvalid(Level, nameof(Level));
        CodecThrow.IfPrefixSizeInvalid(DictionaryBytes, nameof(DictionaryBytes));
        CodecThrow.IfSampleSizeInvalid(SampleBytes);
        CodecThrow.IfGainInvalid(LeastGain, nameof(LeastGain));
    }
}
