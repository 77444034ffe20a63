using System.Runtime.CompilerServices;
using PageFold.Caching.Entries;
using PageFold.Caching.Index;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>Damages entries in memory, as a fault of the machine would.</summary>
internal static class Damage
{
    /// <summary>Flips a bit of a key's stored value; false if the cache has no such entry.</summary>
    public static bool Damaged(this CompressedCache cache, ReadOnlySpan<byte> key)
    {
        EntryStore store = Parts(cache).Store;
        CacheKey keyed = new(key, Seed(cache));
        SharedKey held = store.Index.LockShared(keyed.Hash);
        try
        {
            if (!store.TryFind(ref held, keyed, out EntryPlace _, out EntryView entry, out _))
                return false;
            Span<byte> stored = new byte[1];
            int at = entry.StoredOffset;
            stored[0] = at < entry.Object.First.Length ? entry.Object.First[at] : entry.Object.Second[at - entry.Object.First.Length];
            stored[0] ^= 1;
            entry.Object.Write(at, stored);
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_parts")]
    private static extern ref CacheParts Parts(CompressedCache cache);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_seed")]
    private static extern ref ulong Seed(CompressedCache cache);
}
