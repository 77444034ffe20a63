using System.Globalization;
using System.Text;
using PageFold.Caching.Entries;
using PageFold.Caching.Index;
using PageFold.Caching.Tests.Expiry;

namespace PageFold.Caching.Tests.Saving;

/// <summary>Caches to save and load.</summary>
internal static class SavedCaches
{
    [ThreadStatic]
    private static byte[]? _buffer;

    public static readonly DateTimeOffset Begin = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);

    public static SettableTime Time(DateTimeOffset? now = null) =>
        new(TimeSpan.TicksPerSecond) { Timestamp = 77_777_777, UtcNow = now ?? Begin };

    public static CompressedCache Make(TimeProvider? time = null, CacheCompression compression = CacheCompression.BuiltIn,
        long limit = 32 << 20, int maxValueBytes = 1 << 20, ulong seed = 1) =>
        new(new CompressedCacheOptions
        {
            MemoryLimit = limit,
            TimeProvider = time ?? Time(),
            Compression = compression,
            MaxValueBytes = maxValueBytes,
            Seed = seed,
            Name = seed.ToString(CultureInfo.InvariantCulture),
        });

    public static void Pass(this SettableTime time, TimeSpan by)
    {
        time.Timestamp += by.Ticks;
        time.UtcNow += by;
    }

    public static MemoryStream Save(CompressedCache cache, out CacheSaveResult result)
    {
        MemoryStream stream = new();
        result = cache.Save(stream);
        Assert.Equal(stream.Length, result.FileBytes);
        stream.Position = 0;
        return stream;
    }

    public static byte[]? Get(CompressedCache cache, ReadOnlySpan<byte> key)
    {
        byte[] value = _buffer ??= new byte[1 << 20];
        return cache.TryGet(key, value, out int length) == CacheGetOutcome.Hit ? value[..length] : null;
    }

    public static byte[]? Get(CompressedCache cache, string key) => Get(cache, Encoding.UTF8.GetBytes(key));

    /// <summary>Looks at an entry, which is held alone meanwhile.</summary>
    public static T Look<T>(CompressedCache cache, string key, Look<T> look)
    {
        CacheKey keyed = new(Encoding.UTF8.GetBytes(key), Seed(cache));
        using HeapAccess access = cache.Parts.Enter();
        ExclusiveKey<TagHashes> held = cache.Parts.Store.Index.LockExclusive(keyed.Hash);
        try
        {
            Assert.True(cache.Parts.Store.TryFind(ref held, keyed, out _, out _, out EntryView entry, out _));
            return look(cache.Parts, entry);
        }
        finally
        {
            held.Dispose();
        }
    }

    // The seed is the cache's name.
    private static ulong Seed(CompressedCache cache) => ulong.Parse(cache.Name, CultureInfo.InvariantCulture);

    /// <summary>A folder that goes with the test.</summary>
    public sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("pagefold-").FullName;

        public string File => System.IO.Path.Combine(Path, "cache");

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

/// <summary>Looks at an entry.</summary>
internal delegate T Look<T>(CacheParts parts, EntryView entry);
