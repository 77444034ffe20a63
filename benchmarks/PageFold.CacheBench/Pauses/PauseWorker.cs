using System.Diagnostics;
using System.Runtime;
using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Values;
using PageFold.Cli.Bench;

namespace PageFold.CacheBench.Pauses;

/// <summary>Fills one cache and measures the pauses of this process's garbage collector.</summary>
/// <remarks>
/// Each operation makes its key as a string, as an application does, and keeps none; so all caches see the same garbage of their callers.
/// A cache that keeps arrays is given a new one with each value.
/// </remarks>
internal sealed class PauseWorker(PauseRequest request)
{
    private const int DistinctValues = 4096;
    private const int InducedCollections = 5;
    private const int OperationsPerLook = 256;
    private const int ValueRoom = 2048;
    private const double MixedExponent = 0.99;

    // The mixture asks for a quarter more keys than the cache holds.
    private const double MixedShare = 1.25;

    // Room for what a cache needs beside the values, were they not compressed at all.
    private const double MemoryFactor = 1.5;

    private readonly byte[][] _values = JsonValues.Kibibytes(DistinctValues, request.Seed);
    private readonly long[] _operations = new long[request.Threads];
    private readonly long[] _gets = new long[request.Threads];
    private readonly long[] _hits = new long[request.Threads];

    public PauseFigures Execute()
    {
        SubjectKind kind = SubjectKind.Of(request.Subject);
        int entries = checked((int)(request.LiveBytes / _values.Average(value => (double)value.Length)));
        using IValueCache cache = kind.ForValues(new ValueLimits(entries, (long)(request.LiveBytes * MemoryFactor)));
        Span<byte> utf8 = stackalloc byte[KeyText.Length];
        for (int i = 0; i < entries; i++)
            Set(cache, KeyText.Of(i), utf8, i);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        long resident = Environment.WorkingSet;
        long heap = GC.GetGCMemoryInfo(GCKind.FullBlocking).HeapSizeBytes;
        long held = cache.Count;
        Spread induced = Induce();
        using PauseListener listener = new();
        int full = GC.CollectionCount(GC.MaxGeneration);
        Mix(cache, (int)Math.Min(int.MaxValue, entries * MixedShare));
        full = GC.CollectionCount(GC.MaxGeneration) - full;
        double[] pauses = listener.End();
        GC.KeepAlive(cache);
        return new PauseFigures(
            held,
            resident,
            heap,
            induced.Median,
            induced.Least,
            induced.Most,
            pauses.DefaultIfEmpty().Max(),
            pauses.Length,
            pauses.Sum() / 1000,
            full,
            _operations.Sum(),
            (double)_hits.Sum() / Math.Max(1, _gets.Sum()),
            GCSettings.IsServerGC);
    }

    private static Spread Induce()
    {
        List<double> milliseconds = [];
        for (int i = 0; i < InducedCollections; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
            milliseconds.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
        return Spread.Of(milliseconds);
    }

    /// <summary>Gets after Zipf with a set after each miss, until the time is over.</summary>
    private void Mix(IValueCache cache, int keys)
    {
        Zipf zipf = new(keys, MixedExponent);
        TimeSpan time = TimeSpan.FromMinutes(request.Minutes);
        using Team team = new(request.Threads);
        team.Run(member =>
        {
            Random random = new(request.Seed + member);
            byte[] buffer = new byte[ValueRoom];
            Span<byte> utf8 = stackalloc byte[KeyText.Length];
            long begin = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(begin) < time)
            {
                for (int i = 0; i < OperationsPerLook; i++)
                {
                    int number = zipf.Next(random);
                    string key = KeyText.Of(number);
                    _gets[member]++;
                    if (cache.Get(key, KeyText.Utf8(key, utf8), buffer) >= 0)
                    {
                        _hits[member]++;
                        continue;
                    }
                    Set(cache, key, utf8, number);
                    _operations[member]++;
                }
                _operations[member] += OperationsPerLook;
            }
        });
    }

    private void Set(IValueCache cache, string key, Span<byte> utf8, int number)
    {
        byte[] value = _values[number % DistinctValues];
        cache.Set(key, KeyText.Utf8(key, utf8), cache.KeepsArrays ? [.. value] : value);
    }
}
