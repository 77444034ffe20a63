using System.Runtime.InteropServices;

namespace PageFold.Caching.Entries;

/// <summary>What a cache counts, each figure by processor, so that threads do not wait for a line. Thread-safe.</summary>
internal sealed class EntryCounters
{
    private static readonly int Stripes =
        (int)Math.Min(64, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount));

    private readonly Stripe[] _stripes = new Stripe[Stripes];

    public void Add(CacheCount count, long value = 1) =>
        Interlocked.Add(ref _stripes[Thread.GetCurrentProcessorId() & Stripes - 1][(int)count], value);

    public long Read(CacheCount count)
    {
        long sum = 0;
        foreach (ref Stripe stripe in _stripes.AsSpan())
            sum += Volatile.Read(ref stripe[(int)count]);
        return sum;
    }

    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct Stripe
    {
        private Counts _counts;

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public ref long this[int index] => ref ((Span<long>)_counts)[index];
    }

    [System.Runtime.CompilerServices.InlineArray((int)CacheCount.Number)]
    private struct Counts
    {
        private long _first;
    }
}

/// <summary>What is counted.</summary>
internal enum CacheCount
{
    Hits,
    Misses,
    Sets,
    Refused,

    /// <summary>Those that found no memory.</summary>
    RefusedForMemory,

    /// <summary>Bytes of keys and values as callers set them.</summary>
    OriginalBytes,

    /// <summary>Bytes of the entries' objects that are in use.</summary>
    StoredBytes,

    /// <summary>Bytes of the objects of values that are kept decompressed because they are used much.</summary>
    HotBytes,

    /// <summary>Entries gone by the first <see cref="CacheEvictionReason"/>; the others follow.</summary>
    FirstReason,

    Number = FirstReason + 6,
}
