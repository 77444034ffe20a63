using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Caching;

/// <summary>
/// The exceptions of the cache. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class CacheThrow
{
    public static void IfOptionsInvalid(CompressedCacheOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.Name))
            throw new ArgumentException("Name is empty; choose a name for metrics and logs, or leave it out.", nameof(options.Name));
        if (options.MemoryLimit < CompressedCacheOptions.MinMemoryLimit)
            LimitTooSmall(options.MemoryLimit.Value);
        if (options.MaxMemoryLimit < (options.MemoryLimit ?? CompressedCacheOptions.MinMemoryLimit))
            throw new ArgumentOutOfRangeException(nameof(options.MaxMemoryLimit), options.MaxMemoryLimit,
                $"MaxMemoryLimit is {Bytes(options.MaxMemoryLimit.Value)}, less than {(options.MemoryLimit is { } limit
                    ? $"MemoryLimit ({Bytes(limit)})"
                    : $"the least, {Bytes(CompressedCacheOptions.MinMemoryLimit)}")}; raise it, or leave it out.");
        IfNotPositive(options.MaxEntries, nameof(options.MaxEntries));
        IfNotPositive(options.MaxContentBytes, nameof(options.MaxContentBytes));
        IfNotPositive(options.MaxValueBytes, nameof(options.MaxValueBytes));
        if (options.Objective is < CacheObjective.ByteHits or > CacheObjective.ObjectHits)
            throw new ArgumentOutOfRangeException(nameof(options.Objective), options.Objective,
                $"Objective {options.Objective} does not exist; choose ByteHits or ObjectHits.");
        if (options.Compression is < CacheCompression.None or > CacheCompression.Trained)
            throw new ArgumentOutOfRangeException(nameof(options.Compression), options.Compression,
                $"Compression {options.Compression} does not exist; choose None, BuiltIn or Trained.");
        if (options.HotShare is not (>= 0 and <= 0.5))
            throw new ArgumentOutOfRangeException(nameof(options.HotShare), options.HotShare,
                string.Create(CultureInfo.InvariantCulture, $"HotShare is {options.HotShare}; choose 0 to 0.5."));
        if (options.TimeProvider is null)
            throw new ArgumentNullException(nameof(options.TimeProvider), "TimeProvider is null; leave it out for the system's clock.");
    }

    [DoesNotReturn]
    public static void LimitTooSmall(long limit) =>
        throw new ArgumentOutOfRangeException(nameof(CompressedCacheOptions.MemoryLimit), limit,
            $"MemoryLimit is {Bytes(limit)}, too little for a cache and its tables; choose at least "
                + $"{Bytes(CompressedCacheOptions.MinMemoryLimit)}.");

    [DoesNotReturn]
    public static void LimitAboveMaximum(long limit, long most) =>
        throw new ArgumentOutOfRangeException(nameof(CompressedCacheOptions.MemoryLimit), limit,
            $"MemoryLimit is {Bytes(limit)}, more than MaxMemoryLimit ({Bytes(most)}); lower it, or make the cache with a higher maximum.");

    [DoesNotReturn]
    public static void KeyTooLong(long length) =>
        throw new ArgumentException(
            $"The key has {Bytes(length)}; a key has at most {Bytes(CompressedCache.MaxKeyBytes)}. Use a hash of it.", "key");

    [DoesNotReturn]
    public static void KeyIsNoText() =>
        throw new ArgumentException(
            "The key has a surrogate without its partner, so it is no text that UTF-8 can write; pass its bytes as the key.", "key");

    [DoesNotReturn]
    public static void TagInvalid(string? tag, string argument) =>
        throw new ArgumentException(
            tag is null ? "A tag is null; leave it out."
                : tag.Length == 0 ? "A tag is empty; a tag has at least one character."
                : $"A tag has {tag.Length} characters; a tag has at most {CompressedCache.MaxTagLength}. Use a hash of it.", argument);

    [DoesNotReturn]
    public static void TooManyTags(int count) =>
        throw new ArgumentException(
            $"The entry has {count} tags; an entry has at most {Entries.EntryView.MaxTags}. Use one tag for those that go together.",
            "Tags");

    [DoesNotReturn]
    public static void WriterGaveLess(int length, int asked) =>
        throw new InvalidOperationException(
            $"The buffer writer returned {length} bytes when it was asked for at least {asked}; an IBufferWriter must return as many.");

    [DoesNotReturn]
    public static void TooFewRanges(int ranges, int keys) =>
        throw new ArgumentException($"There are {ranges} ranges for {keys} keys; pass one for each.", nameof(ranges));

    private static void IfNotPositive(long? value, string option)
    {
        if (value <= 0)
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; choose 1 or more.");
    }

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";
}
