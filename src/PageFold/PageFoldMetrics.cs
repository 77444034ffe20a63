using System.Diagnostics.Metrics;
using PageFold.Telemetry;

namespace PageFold;

/// <summary>
/// The metrics of all stores and pools of the process (<see cref="System.Diagnostics.Metrics"/>), which OpenTelemetry, dotnet-counters and any
/// <see cref="MeterListener"/> can read. Nothing is computed unless an instrument is read. Thread-safe.
/// </summary>
/// <remarks>
/// Every measurement has the tag <c>name</c>: <see cref="PageStoreOptions.Name"/> or <see cref="ZsPoolOptions.Name"/>. Stores and pools that
/// share a name report measurements with the same tag.
/// </remarks>
public static class PageFoldMetrics
{
    /// <summary>The name of the meter, for <c>AddMeter</c>.</summary>
    public const string MeterName = "PageFold";

    private static readonly Meter Instruments = new(MeterName);
    private static readonly Owners<PageStore, PageStoreStatistics> Stores = new("store", store => store.GetStatistics());
    private static readonly Owners<ZsPool, ZsPoolStatistics> Pools = new("pool", pool => pool.GetStatistics());

    static PageFoldMetrics()
    {
        const string Bytes = "By";
        const string Page = "{page}";
        Gauge("pagefold.store.pages", Page, "Pages stored.", store => store.Pages);
        Gauge("pagefold.store.original", Bytes, "Bytes of the stored pages, uncompressed.", store => store.OriginalBytes);
        Gauge("pagefold.store.compressed", Bytes, "Bytes stored in memory for pages.", store => store.CompressedBytes);
        Gauge("pagefold.store.held", Bytes, "All bytes held: frames, tables and buffers.", store => store.TotalBytes);
        Gauge("pagefold.store.peak", Bytes, "The most bytes held at once.", store => store.PeakBytes);
        Gauge("pagefold.store.limit", Bytes, "The most bytes that may be held.", store => store.MemoryLimit);
        Gauge("pagefold.store.available", Bytes, "Bytes that new pages may still take.", store => store.AvailableBytes);
        Gauge("pagefold.store.same_filled", Page, "Pages of one repeated word.", store => store.SameFilledPages);
        Gauge("pagefold.store.incompressible", Page, "Pages stored raw, in memory.", store => store.IncompressiblePages);
        Gauge("pagefold.store.written_back", Page, "Pages in the writeback file.", store => store.WrittenBackPages);
        Gauge("pagefold.store.writeback_file", Bytes, "Bytes of the writeback file that hold something.", store => store.WritebackFileBytes);
        Counter("pagefold.store.refused_writes", Page, "Writes refused because memory was short.", store => store.RefusedWrites);
        Counter("pagefold.store.writeback_writes", Page, "Pages written to the writeback file.", store => store.WritebackWrites);
        Counter("pagefold.store.writeback_reads", Page, "Pages read from the writeback file.", store => store.WritebackReads);
        Counter("pagefold.store.frames_compacted", "{frame}", "Frames that compaction has freed.", store => store.FramesCompacted);
        Counter("pagefold.store.bytes_moved", Bytes, "Bytes that compaction has moved.", store => store.BytesMoved);
        PoolGauge("pagefold.pool.objects", "{object}", "Objects allocated and not freed.", pool => pool.Objects);
        PoolGauge("pagefold.pool.object_bytes", Bytes, "Bytes of those objects, each as large as its size class.", pool => pool.ObjectBytes);
        PoolGauge("pagefold.pool.held", Bytes, "All bytes held: frames, tables and buffers.", pool => pool.TotalBytes);
        PoolGauge("pagefold.pool.peak", Bytes, "The most bytes held at once.", pool => pool.PeakBytes);
        PoolGauge("pagefold.pool.limit", Bytes, "The most bytes that may be held.", pool => pool.MemoryLimit);
        PoolCounter("pagefold.pool.frames_compacted", "{frame}", "Frames that compaction has freed.", pool => pool.FramesCompacted);
        PoolCounter("pagefold.pool.bytes_moved", Bytes, "Bytes that compaction has moved.", pool => pool.BytesMoved);
    }

    internal static void Add(PageStore store, string? name) => Stores.Add(store, name);

    internal static void Add(ZsPool pool, string? name) => Pools.Add(pool, name);

    internal static void Remove(PageStore store) => Stores.Remove(store);

    internal static void Remove(ZsPool pool) => Pools.Remove(pool);

    private static void Gauge(string name, string unit, string description, Func<PageStoreStatistics, long> figure) =>
        Instruments.CreateObservableUpDownCounter(name, () => Stores.Measure(figure), unit, description);

    private static void Counter(string name, string unit, string description, Func<PageStoreStatistics, long> figure) =>
        Instruments.CreateObservableCounter(name, () => Stores.Measure(figure), unit, description);

    private static void PoolGauge(string name, string unit, string description, Func<ZsPoolStatistics, long> figure) =>
        Instruments.CreateObservableUpDownCounter(name, () => Pools.Measure(figure), unit, description);

    private static void PoolCounter(string name, string unit, string description, Func<ZsPoolStatistics, long> figure) =>
        Instruments.CreateObservableCounter(name, () => Pools.Measure(figure), unit, description);
}
