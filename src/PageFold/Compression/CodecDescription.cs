using System.Diagnostics.CodeAnalysis;

namespace PageFold.Compression;

/// <summary>What a codec can be made again from.</summary>
/// <param name="Name">The codec's name.</param>
/// <param name="Level">Its level; zero for a codec without levels.</param>
/// <param name="Dictionary">Its dictionary; empty for none.</param>
internal sealed record CodecDescription(string Name, int Level, ReadOnlyMemory<byte> Dictionary)
{
    /// <summary>True if either codec reads, and would have written, what the other wrote.</summary>
    public bool IsEquivalent([NotNullWhen(true)] CodecDescription? other) =>
        other is not null && FormatOf(Name) == FormatOf(other.Name) && Level == other.Level && Dictionary.Span.SequenceEqual(other.Dictionary.Span);

    /// <summary>The codec; null if there is none of that kind.</summary>
    public PageCodec? TryMake()
    {
        switch (Name)
        {
            case "lz4" or "lz4-managed" or "none" when Level != 0 || !Dictionary.IsEmpty:
                return null;
            case "lz4":
                return PageCodec.Lz4;
            case "lz4-managed":
                return PageCodec.Lz4Managed;
            case "none":
                return PageCodec.None;
            case "zstd" when Level is >= ZstdCodec.LowestLevel and <= ZstdCodec.HighestLevel:
                try
                {
                    return PageCodec.Zstd(Level, Dictionary.Span);
                }
                catch (ArgumentException)
                {
                    // No dictionary that Zstandard would take.
                    return null;
                }
            default:
                return null;
        }
    }

    // Two libraries write the same blocks.
    private static string FormatOf(string name) => name == "lz4-managed" ? "lz4" : name;
}
