using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Compression;

/// <summary>
/// Exceptions of codecs. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class CodecThrow
{
    public static void IfCodecMissing([NotNull] PageCodec? codec)
    {
        if (codec is null)
        {
            throw new ArgumentException(
                "Codec is null; choose PageCodec.Fold(level), PageCodec.Lz4, PageCodec.Zstd(level) or PageCodec.None.", "Codec");
        }
    }

    /// <summary>The bytes that a codec claims of its memory, unless they cannot be.</summary>
    public static long IfClaimInvalid(long? bytes, PageCodec codec, string what)
    {
        if (bytes is null)
            throw new ArgumentException(
                $"Codec {codec.Name} returns no context (null) from CreateContext; it has to make one, or throw.", "Codec");
        if (bytes < 0)
            throw new ArgumentException(
                $"Codec {codec.Name} says that {what} is {Throw.Bytes(bytes.Value)}; a codec has to say zero or more.", "Codec");
        return bytes.Value;
    }

    public static void IfLevelInvalid(FoldLevel level)
    {
        if (level is not (FoldLevel.Fast or FoldLevel.Dense))
            throw new ArgumentOutOfRangeException(nameof(level), level, $"Level {level} does not exist; choose Fast or Dense.");
    }

    public static void IfPageSizeInvalid(int pageSize, int most)
    {
        if (pageSize < 1 || pageSize > most)
        {
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize,
                $"The codec has no pages of {pageSize} bytes; choose 1 to {most}.");
        }
    }

    public static void IfLevelInvalid(int level, int least, int most)
    {
        if (level < least || level > most)
            throw new ArgumentOutOfRangeException(nameof(level), level,
                $"Zstandard level {level} does not exist; choose {least} to {most}.");
    }
}
