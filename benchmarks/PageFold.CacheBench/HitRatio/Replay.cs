using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Traces;
using PageFold.Cli;
using PageFold.Cli.Bench;

namespace PageFold.CacheBench.HitRatio;

/// <summary>Requests a trace from a cache, which is empty at first and stores what it misses.</summary>
/// <remarks>Several threads take the requests in turn, from one position.</remarks>
internal sealed class Replay(Trace trace, WorkProgress progress, CancellationToken cancellation)
{
    private const int Samples = 128;
    private const int RequestsPerReport = 1 << 14;

    // What a trace without sizes says of every value.
    private const int UnsizedBytes = 8;

    /// <summary>Replays the trace once.</summary>
    public ReplayResult Run(ICacheSubject cache, int threads)
    {
        using Team team = new(threads);
        Count[] counts = new Count[threads];
        List<Holdings> samples = [];
        if (threads == 1)
            Alone();
        else
            InTurn();
        double entries = samples.Count > 0 ? samples.Average(held => (double)held.Entries) : cache.Held.Entries;
        double bytes = samples.Count > 0 ? samples.Average(held => (double)held.Bytes) : cache.Held.Bytes;
        Count all = counts.Aggregate((one, other) => one + other);
        return new ReplayResult(
            (double)all.Hits / trace.Requests.Length, all.Bytes == 0 ? 0 : (double)all.HitBytes / all.Bytes, entries, bytes);

        void Alone()
        {
            Count count = default;
            for (int i = 0; i < trace.Requests.Length; i++)
                Request(i, ref count);
            counts[0] = count;
        }

        void InTurn()
        {
            int position = -1;
            team.Run(number =>
            {
                Count count = default;
                while (Interlocked.Increment(ref position) is var i && i < trace.Requests.Length)
                    Request(i, ref count);
                counts[number] = count;
            });
        }

        void Request(int i, ref Count count)
        {
            int place = trace.Requests[i];
            int size = trace.Sizes is { } sizes ? sizes[place] : UnsizedBytes;
            bool hit = cache.TryGet(trace.Keys[place], size);
            if (!hit)
                cache.Set(trace.Keys[place], size);
            count.Add(hit, size);
            if (i % RequestsPerReport == 0)
            {
                progress.Add(RequestsPerReport);
                cancellation.ThrowIfCancellationRequested();
            }
            // In the second half the cache has long been full.
            if (trace.Sizes is not null && i > trace.Requests.Length / 2 && i % Math.Max(1, trace.Requests.Length / 2 / Samples) == 0)
            {
                Holdings held = cache.Held;
                lock (samples)
                    samples.Add(held);
            }
        }
    }

    private struct Count
    {
        public long Hits;
        public long HitBytes;
        public long Bytes;

        public static Count operator +(Count one, Count other) => new()
        {
            Hits = one.Hits + other.Hits,
            HitBytes = one.HitBytes + other.HitBytes,
            Bytes = one.Bytes + other.Bytes,
        };

        public void Add(bool hit, int size)
        {
            Bytes += size;
            if (!hit)
                return;
            Hits++;
            HitBytes += size;
        }
    }
}

/// <summary>What a replay found.</summary>
/// <param name="ObjectHitRatio">The share of requests that were hits.</param>
/// <param name="ByteHitRatio">The same, each request weighed by its size.</param>
/// <param name="MeanEntries">Entries held, on average of the second half of a trace with sizes; of others at the end.</param>
/// <param name="MeanBytes">Bytes of their values.</param>
internal sealed record ReplayResult(double ObjectHitRatio, double ByteHitRatio, double MeanEntries, double MeanBytes);
