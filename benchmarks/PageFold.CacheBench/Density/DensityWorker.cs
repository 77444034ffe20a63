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

    public static DensityFigures Execute(DensityRequest request)
    {
        SubjectKind kind = SubjectKind.Of(request.Subject);
        byte[][] values = request.ValuesFile is { } file ? JsonValues.Read(file) : JsonValues.Mixed(request.Entries, request.Seed);
        int most = request.MemoryBytes is null ? request.Entries : (int)Math.Min(int.MaxValue, (long)request.Entries * MaxTimesEntries);
        // So that code and tables of the runtime that any cache needs are not counted.
        using (IValueCache few = kind.ForValues(new ValueLimits(WarmUpEntries, request.MemoryBytes ?? 0)))
            Fill(few, values, 0, WarmUpEntries);
        long before = ResidentMemory.Measure();
        // A limit of entries that is never reached: some caches evict before they are full.
        int room = request.MemoryBytes is null ? request.Entries + request.Entries / 4 : most;
        using IValueCache cache = kind.ForValues(new ValueLimits(room, request.MemoryBytes ?? 0));
        int stored = Fill(cache, values, 0, request.Entries);
        for (long count = -1; request.MemoryBytes is not null && stored < most && cache.Count > count;)
        {
            count = cache.Count;
            stored = Fill(cache, values, stored, Math.Min(EntriesPerLook, most - stored));
        }
        DensityFigures figures = new(
            cache.Count, ResidentMemory.Measure() - before, values.Length, values.Average(value => (double)value.Length));
        GC.KeepAlive(values);
        return figures;
    }

    private static int Fill(IValueCache cache, byte[][] values, int from, int count)
    {
        Span<byte> utf8 = stackalloc byte[KeyText.Length];
        for (int i = from; i < from + count; i++)
        {
            string key = KeyText.Of(i);
            byte[] value = values[i % values.Length];
            cache.Set(key, KeyText.Utf8(key, utf8), cache.KeepsArrays ? [.. value] : value);
        }
        return from + count;
    }
}
