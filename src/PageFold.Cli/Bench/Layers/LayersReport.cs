using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Layers;

/// <summary>Where the time of a store and of a load goes; the object that <c>--json</c> writes.</summary>
internal sealed record LayersReport
{
    /// <summary>What the pages are of.</summary>
    public required string Source { get; init; }

    public required int Pages { get; init; }

    public required int PageSize { get; init; }

    /// <summary>The codec's name.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The library behind it.</summary>
    public required string Implementation { get; init; }

    public required int Rounds { get; init; }

    /// <summary>True if the store gave back every page as it was written.</summary>
    public required bool Verified { get; init; }

    public required LayersOperation Store { get; init; }

    public required LayersOperation Load { get; init; }
}

/// <summary>One operation, cut into layers that add up to it.</summary>
/// <param name="Nanoseconds">A page, by the median of the rounds.</param>
/// <param name="Layers">The parts.</param>
internal sealed record LayersOperation(double Nanoseconds, IReadOnlyList<Layer> Layers)
{
    /// <summary>What the layers come to that took time, without those that others had spared.</summary>
    [JsonIgnore]
    public double Apart => Layers.Sum(layer => Math.Max(0, layer.Nanoseconds));
}

/// <summary>A part of an operation.</summary>
/// <param name="Name">What is done.</param>
/// <param name="Nanoseconds">A page. What is reckoned as a difference can be negative by what the machine's noise is.</param>
/// <param name="Remark">How it was measured.</param>
internal sealed record Layer(string Name, double Nanoseconds, string Remark);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LayersReport))]
internal sealed partial class LayersJson : JsonSerializerContext;
