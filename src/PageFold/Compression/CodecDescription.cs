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

    /// <summary>True if both codecs have dictionaries, and these are all that they differ in.</summary>
    public bool DiffersInDictionary([NotNullWhen(true)] CodecDescription? other) =>
        other is { Dictionary.IsEmpty: false } && !Dictionary.IsEmpty && Name == other.Name && Level == other.Level
            && !Dictionary.Span.SequenceEqual(other.Dictionary.Span);

    /// <summary>
    /// True if there may be a codec of a name, a level and a dictionary of so many bytes; then <see cref="MostSharedBytes"/> is known.
    /// </summary>
    public static bool IsPossible(string name, int level, int dictionaryBytes) => name switch
    {
        "lz4" or "lz4-managed" or "none" => level == 0 && dictionaryBytes == 0,
        "zstd" => level is >= ZstdCodec.LowestLevel and <= ZstdCodec.HighestLevel,
        _ => false,
    };

    /// <summary>The most bytes that the contexts of such a codec share, its dictionary included, and that making it takes.</summary>
    public static long MostSharedBytes(int level, int dictionaryBytes) => ZstdCodec.MostSharedBytes(level, dictionaryBytes);

    /// <summary>
    /// Makes the codec, to which the dictionary's array then belongs; null if the dictionary is none that the codec would take.
    /// </summary>
    /// <param name="name">The name; the codec is possible.</param>
    /// <param name="level">The level.</param>
    /// <param name="dictionary">The dictionary, in an array from <see cref="ZstdCodec.AllocateDictionary"/>; empty for none.</param>
    public static PageCodec? TryMake(string name, int level, byte[] dictionary)
    {
        switch (name)
        {
            case "lz4":
                return PageCodec.Lz4;
            case "lz4-managed":
                return PageCodec.Lz4Managed;
            case "none":
                return PageCodec.None;
            default:
                try
                {
                    return new ZstdCodec(level, dictionary);
                }
                catch (ArgumentException)
                {
                    return null;
                }
        }
    }

    // Two libraries write the same blocks.
    private static string FormatOf(string name) => name == "lz4-managed" ? "lz4" : name;
}
