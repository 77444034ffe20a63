using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Values;
using PageFold.Cli;

namespace PageFold.CacheBench.Density;

/// <summary>Fills one cache and measures what the resident memory of this process grows by.</summary>
internal static class DensityWorker
{
    private const int WarmUpEntries = 1000;

    // A cache that limits its memory is full when this many more entries in a row do not add one to it.
    private const int EntriesPerLook = 10_000;
    private const int MaxTimesEntries = 32;

    // Enough to train with. An application fills a cache in minutes, and the training keeps up; here it is waited for.
    private const int LeastToTrain = 20_000;

    public static DensityFigures Execute(DensityRequest request)
    {
        SubjectKind kind = SubjectKind.Of(request.Subject);
        byte[][] values = request.ValuesFile is { } file ? ValuesFile.Read(file) : JsonValues.Mixed(request.Entries, request.Seed);
        int most = request.MemoryBytes is null ? request.Entries : (int)Math.Min(int.MaxValue, (long)request.Entries * MaxTimesEntries);
        // So that code and tables of the runtime that any cache needs are not counted.
        using (IValueCache few = kind.ForValues(new ValueLimits(WarmUpEntries, request.MemoryBytes ?? 0)))
            Fill(few, values, 0, WarmUpEntries);
        long before = ResidentMemory.Measure();
        // A limit of entries that is never reached: some caches evict before they are full.
        int room = request.MemoryBytes is null ? request.Entries + request.Entries / 4 : most;
        using IValueCache cache = kind.ForValues(new ValueLimits(room, request.MemoryBytes ?? 0));
        int half = values.Length / 2;
        (ArraySegment<byte[]> seen, ArraySegment<byte[]> held) = request.HoldsOut ? (values[..half], values[half..]) : (values, values);
        (int stored, int known) = (0, 0);
        if (cache.Dictionaries is not null)
        {
            stored = Fill(cache, seen, 0, request.HoldsOut ? Math.Max(half, LeastToTrain) : Math.Min(request.Entries, LeastToTrain));
            cache.Settle(CancellationToken.None);
            known = cache.Dictionaries.Value;
        }
        if (request.HoldsOut)
        {
            cache.Clear();
            stored = 0;
        }
        stored = Fill(cache, held, stored, request.Entries - stored);
        for (long count = -1; request.MemoryBytes is not null && stored < most && cache.Count > count;)
        {
            count = cache.Count;
            stored = Fill(cache, held, stored, Math.Min(EntriesPerLook, most - stored));
        }
        long resident = ResidentMemory.Measure() - before;
        int? trained = cache.Dictionaries;
        DensityFigures figures = new(
            cache.Count, resident, held.Count, held.Average(value => (double)value.Length), trained, (trained ?? 0) - known);
        GC.KeepAlive(values);
        return figures;
    }

    private static int Fill(IValueCache cache, ArraySegment<byte[]> values, int from, int count)
    {
        Span<byte> utf8 = stackalloc byte[KeyText.Length];
        for (int i = from; i < from + count; i++)
        {
            string key = KeyText.Of(i);
            byte[] value = values[i % values.Count];
            cache.Set(key, KeyText.Utf8(key, utf8), cache.KeepsArrays ? [.. value] : value);
        }
        return from + count;
    }
}
