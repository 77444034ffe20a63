using System.Diagnostics.CodeAnalysis;
using PageFold.Compression.Fold;

namespace PageFold.Compression;

/// <summary>The parameters from which a codec can be made again.</summary>
/// <param name="Name">The codec's name.</param>
/// <param name="Level">Its level; zero for a codec without levels.</param>
/// <param name="Dictionary">Its dictionary or tables; empty for none.</param>
/// <param name="IsOfLibrary">True if these came with the library, this version of it or another one.</param>
internal sealed record CodecDescription(string Name, int Level, ReadOnlyMemory<byte> Dictionary, bool IsOfLibrary = false)
{
    /// <summary>True if each codec reads what the other wrote, and both have the same level.</summary>
    public bool IsEquivalent([NotNullWhen(true)] CodecDescription? other) =>
        other is not null && FormatOf(Name) == FormatOf(other.Name) && Level == other.Level
            && Dictionary.Span.SequenceEqual(other.Dictionary.Span);

    /// <summary>
    /// True if this codec is to be used in place of another one: both have dictionaries and differ in nothing else, or the other one's came
    /// with another version of the library.
    /// </summary>
    public bool Supersedes([NotNullWhen(true)] CodecDescription? other) =>
        other is not null && Name == other.Name && Level == other.Level && !Dictionary.Span.SequenceEqual(other.Dictionary.Span)
            && (TrainedBytes > 0 && other.TrainedBytes > 0 || other.IsOfLibrary && !BuiltInTables.Contain(other.Dictionary.Span));

    /// <summary>Bytes of a dictionary, or of tables, that do not come with the library.</summary>
    public int TrainedBytes => IsOfLibrary ? 0 : Dictionary.Length;

    /// <summary>True if a codec of this name and level with a dictionary of so many bytes can exist.</summary>
    /// <param name="name">The name.</param>
    /// <param name="level">The level.</param>
    /// <param name="dictionaryBytes">Bytes of the dictionary or of tables.</param>
    /// <param name="isOfLibrary">True if these came with the library.</param>
    /// <remarks>For such a codec <see cref="MaxSharedBytes"/> is known.</remarks>
    public static bool IsPossible(string name, int level, int dictionaryBytes, bool isOfLibrary) => name switch
    {
        "lz4" or "lz4-managed" or "none" => level == 0 && dictionaryBytes == 0 && !isOfLibrary,
        FoldCodec.CodecName => level is (int)FoldLevel.Fast or (int)FoldLevel.Dense && dictionaryBytes <= FoldDefinition.MaxBytes,
        "zstd" => level is >= ZstdCodec.LowestLevel and <= ZstdCodec.HighestLevel && !isOfLibrary,
        _ => false,
    };

    /// <summary>The maximum of bytes that the contexts of such a codec share, its dictionary included, and that making it takes.</summary>
    public static long MaxSharedBytes(string name, int level, int dictionaryBytes) => name == FoldCodec.CodecName
        ? FoldCodec.MaxSharedBytes(dictionaryBytes)
        : ZstdCodec.MaxSharedBytes(level, dictionaryBytes);

    /// <summary>Makes the codec, which then owns the dictionary's array; null if the codec refuses the dictionary.</summary>
    /// <param name="name">The name of a possible codec.</param>
    /// <param name="level">The level.</param>
    /// <param name="dictionary">The dictionary, in an array from <see cref="ZstdCodec.AllocateDictionary"/>; empty for none.</param>
    /// <param name="isOfLibrary">True if it came with the library.</param>
    public static PageCodec? TryMake(string name, int level, byte[] dictionary, bool isOfLibrary)
    {
        switch (name)
        {
            case "lz4":
                return PageCodec.Lz4;
            case "lz4-managed":
                return PageCodec.Lz4Managed;
            case "none":
                return PageCodec.None;
            case FoldCodec.CodecName:
                return FoldCodec.TryMake((FoldLevel)level, dictionary, isOfLibrary);
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

    // The system's LZ4 and the managed one have the same format.
    private static string FormatOf(string name) => name == "lz4-managed" ? "lz4" : name;
}
