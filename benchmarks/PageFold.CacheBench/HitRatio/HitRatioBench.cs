using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Traces;
using PageFold.Cli;

namespace PageFold.CacheBench.HitRatio;

/// <summary>Compares caches by their hit ratios on traces.</summary>
internal sealed class HitRatioBench(HitRatioOptions options, WorkProgress progress, CancellationToken cancellation)
{
    // A cache without a limit in bytes of values is to hold as many as the others to within this share.
    private const double Tolerance = 0.003;
    private const int MaxTries = 16;

    private readonly List<HitRatioRow> _rows = [];
    private readonly HashSet<string> _searched = [];

    public HitRatioReport Execute()
    {
        foreach (TraceFile file in options.Files)
            Measure(file.Read(cancellation));
        foreach (GeneratedTrace generated in options.Generated)
            Measure(generated.Make(options.Seed));
        return new HitRatioReport
        {
            Threads = options.Threads,
            Seed = options.Seed,
            Notes = _searched.Count == 0 ? []
                : [$"without a limit in bytes of values: {string.Join(", ", _searched)}. Their own limit is chosen so that they hold as "
                    + "many bytes as the capacity, on average of the second half of the trace"],
            Rows = _rows,
        };
    }

    private void Measure(Trace trace)
    {
        progress.Begin(trace.Name, (long)trace.Requests.Length * options.Capacities.Count * options.Subjects.Count);
        foreach (double percent in options.Capacities)
        {
            long? bytes = trace.Sizes is null ? null : (long)Math.Round(trace.DistinctBytes * percent / 100);
            int entries = (int)Math.Round(trace.Keys.Length * percent / 100);
            if (entries < BitFasterCaches.LeastEntries || bytes < 1)
            {
                throw new UserErrorException(
                    $"--capacity {percent}% of {trace.Name} is {entries} entries; choose more, so that there are at least "
                        + $"{BitFasterCaches.LeastEntries}.");
            }
            foreach (SubjectKind kind in options.Subjects)
            {
                ReplayResult? result = null;
                foreach (CacheObjective objective in options.Objectives)
                {
                    if (kind.HasObjective || result is null)
                        result = Run(trace, kind, new TraceLimits(entries, bytes, objective, options.Seed));
                    _rows.Add(new HitRatioRow(
                        trace.Name,
                        kind.Name,
                        objective == CacheObjective.Objects ? "objects" : "bytes",
                        percent,
                        bytes is null ? entries : (long)Math.Round(result.MeanEntries),
                        bytes,
                        bytes is null ? null : (long)Math.Round(result.MeanBytes),
                        trace.Requests.Length,
                        result.ObjectHitRatio,
                        result.ByteHitRatio));
                }
            }
        }
    }

    private ReplayResult Run(Trace trace, SubjectKind kind, TraceLimits limits)
    {
        if (limits.Bytes is not { } bytes || kind.LimitsBytes)
            return Replay(limits);
        _searched.Add(kind.Name);
        // The scale of the limit at which the values take as many bytes: proportional at first, halved where that leaves the bracket. What
        // is held may jump, because a large value more or less changes much; the nearest counts.
        double scale = 1;
        double low = 0;
        double high = double.PositiveInfinity;
        ReplayResult? best = null;
        for (int tries = 0; tries < MaxTries; tries++)
        {
            ReplayResult found = Replay(limits with
            {
                Entries = Math.Max(BitFasterCaches.LeastEntries, (int)Math.Round(limits.Entries * scale)),
                Bytes = (long)Math.Round(bytes * scale),
            });
            if (best is null || Math.Abs(found.MeanBytes - bytes) < Math.Abs(best.MeanBytes - bytes))
                best = found;
            if (Math.Abs(best.MeanBytes - bytes) <= Tolerance * bytes)
                break;
            if (found.MeanBytes < bytes)
                low = Math.Max(low, scale);
            else
                high = Math.Min(high, scale);
            double guess = scale * bytes / Math.Max(1, found.MeanBytes);
            scale = guess > low && guess < high ? guess : (low + Math.Min(high, 2 * low)) / 2;
        }
        return best!;

        ReplayResult Replay(TraceLimits limits)
        {
            using ICacheSubject cache = kind.ForTrace(limits);
            return new Replay(trace, progress, cancellation).Run(cache, options.Threads);
        }
    }
}
