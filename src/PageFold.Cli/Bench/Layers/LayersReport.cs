using System.Text.Json.Serialization;

namespace PageFold.Cli.Bench.Layers;

/// <summary>The layers of a store and of a load; the object that <c>--json</c> writes.</summary>
internal sealed record LayersReport
{
    /// <summary>A description of the data.</summary>
    public required string Source { get; init; }

    public required int Pages { get; init; }

    public required int PageSize { get; init; }

    /// <summary>The codec's name.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The library that implements the codec.</summary>
    public required string Implementation { get; init; }

    public required int Rounds { get; init; }

    /// <summary>True if the store returned every page as it was written.</summary>
    public required bool Verified { get; init; }

    public required LayersOperation Store { get; init; }

    public required LayersOperation Load { get; init; }
}

/// <summary>An operation, split into layers whose times add up to it.</summary>
/// <param name="Nanoseconds">The time of a page, the median of the rounds.</param>
/// <param name="Layers">The layers.</param>
internal sealed record LayersOperation(double Nanoseconds, IReadOnlyList<Layer> Layers)
{
    /// <summary>The sum of the layers above zero.</summary>
    [JsonIgnore]
    public double Apart => Layers.Sum(layer => Math.Max(0, layer.Nanoseconds));
}

/// <summary>A layer of an operation.</summary>
/// <param name="Name">What the layer does.</param>
/// <param name="Nanoseconds">The time of a page. A difference of two measurements can be negative because of noise.</param>
/// <param name="Remark">How it was measured.</param>
internal sealed record Layer(string Name, double Nanoseconds, string Remark);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LayersReport))]
internal sealed partial class LayersJson : JsonSerializerContext;
