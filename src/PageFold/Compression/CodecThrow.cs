using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Matching;

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

    public static void IfLevelInvalid(FoldLevel level, string name)
    {
        if (level is not (FoldLevel.Fast or FoldLevel.Dense))
            throw new ArgumentOutOfRangeException(name, level, $"Level {level} does not exist; choose Fast or Dense.");
    }

    public static void IfPrefixSizeInvalid(int dictionaryBytes, string name)
    {
        if (dictionaryBytes != 0 && dictionaryBytes is < PrefixTrainer.MinBytes or > MatchDictionary.MaxLength)
            throw new ArgumentOutOfRangeException(name, dictionaryBytes,
                $"A dictionary of Fold has {PrefixTrainer.MinBytes} to {MatchDictionary.MaxLength} bytes, not {dictionaryBytes}; 0 is for "
                    + "none.");
    }

    public static void IfGainInvalid(double leastGain, string name)
    {
        if (!(leastGain is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(name, leastGain, string.Create(CultureInfo.InvariantCulture,
                $"A gain of {leastGain} cannot be asked for; choose a part of the bytes from 0 to less than 1, as in 0.02."));
    }

    public static void IfSampleSizeInvalid(int sampleBytes)
    {
        if (sampleBytes is < 1 or > FoldCodec.MaxPageSize)
            throw new ArgumentOutOfRangeException("SampleBytes", sampleBytes,
                $"Training cannot read {sampleBytes} bytes of a sample; choose 1 to {FoldCodec.MaxPageSize}, as in 4096.");
    }

    /// <summary>The sum of lengths, none of which is negative.</summary>
    public static long IfLengthInvalid(ReadOnlySpan<int> lengths)
    {
        long all = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 0)
                throw new ArgumentException(
                    $"Sample {i} has a length of {lengths[i]}; pass the bytes of each sample, zero or more.", nameof(lengths));
            all += lengths[i];
        }
        return all;
    }

    public static void IfLengthsDiffer(long all, int sampleBytes)
    {
        if (all != sampleBytes)
            throw new ArgumentException(
                $"The lengths of the samples add up to {all} bytes, and there are {sampleBytes}; pass the samples one after the other, "
                    + "and the length of each.", "lengths");
    }

    public static void IfShareFreed(bool isFreed, PageCodec codec)
    {
        if (isFreed)
            throw new ObjectDisposedException(codec.ShownName,
                $"The tables of codec {codec.ShownName} were freed (FreeShared); make a new codec with the same tables.");
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
