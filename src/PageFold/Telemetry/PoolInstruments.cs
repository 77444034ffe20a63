using System.Diagnostics.Metrics;

namespace PageFold.Telemetry;

/// <summary>The instruments of all open pools: see <see cref="PageFoldMetrics"/>. Thread-safe.</summary>
internal static class PoolInstruments
{
    private static readonly Owners<ZsPoolStatistics> Owners = new("pool");
    private static readonly Meter Meter = new(PageFoldMetrics.MeterName);

    static PoolInstruments()
    {
        const string Bytes = "By";
        Gauge("pagefold.pool.objects", "{object}", "Objects allocated and not freed.", pool => pool.Objects);
        Gauge("pagefold.pool.object_bytes", Bytes, "Bytes of those objects, each as large as its size class.", pool => pool.ObjectBytes);
        Gauge("pagefold.pool.held", Bytes, "All bytes held: frames, tables and buffers.", pool => pool.TotalBytes);
        Gauge("pagefold.pool.peak", Bytes, "The most bytes held at once.", pool => pool.PeakBytes);
        Gauge("pagefold.pool.limit", Bytes, "The most bytes that may be held.", pool => pool.MemoryLimit);
        Counter("pagefold.pool.frames_compacted", "{frame}", "Frames that compaction has freed.", pool => pool.FramesCompacted);
        Counter("pagefold.pool.bytes_moved", Bytes, "Bytes that compaction has moved.", pool => pool.BytesMoved);
    }

    /// <summary>Has the instruments report an owner until it is removed or forgotten.</summary>
    public static void Add(object owner, Func<object, ZsPoolStatistics> read, string? name) => Owners.Add(owner, read, name);

    public static void Remove(object owner) => Owners.Remove(owner);

    private static void Gauge(string name, string unit, string description, Func<ZsPoolStatistics, long> figure) =>
        Publication.Of(() => Meter.CreateObservableUpDownCounter(name, () => Owners.Measure(figure), unit, description));

    private static void Counter(string name, string unit, string description, Func<ZsPoolStatistics, long> figure) =>
        Publication.Of(() => Meter.CreateObservableCounter(name, () => Owners.Measure(figure), unit, description));
}
