using System.Diagnostics.Metrics;

namespace PageFold.Telemetry;

/// <summary>The instruments of all open stores: see <see cref="PageFoldMetrics"/>. Thread-safe.</summary>
internal static class StoreInstruments
{
    private static readonly Owners<PageStoreStatistics> Owners = new("store");
    private static readonly Meter Meter = new(PageFoldMetrics.MeterName);

    static StoreInstruments()
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
        Gauge("pagefold.store.writeback_file", Bytes, "Bytes of the writeback file that hold something.", store =>
            store.WritebackFileBytes);
        Counter("pagefold.store.refused_writes", Page, "Writes refused because memory was short.", store => store.RefusedWrites);
        Counter("pagefold.store.writeback_writes", Page, "Pages written to the writeback file.", store => store.WritebackWrites);
        Counter("pagefold.store.writeback_reads", Page, "Pages read from the writeback file.", store => store.WritebackReads);
        Counter("pagefold.store.frames_compacted", "{frame}", "Frames that compaction has freed.", store => store.FramesCompacted);
        Counter("pagefold.store.bytes_moved", Bytes, "Bytes that compaction has moved.", store => store.BytesMoved);
    }

    /// <summary>Has the instruments report an owner until it is removed or forgotten.</summary>
    public static void Add(object owner, Func<object, PageStoreStatistics> read, string? name) => Owners.Add(owner, read, name);

    public static void Remove(object owner) => Owners.Remove(owner);

    private static void Gauge(string name, string unit, string description, Func<PageStoreStatistics, long> figure) =>
        Publication.Of(() => Meter.CreateObservableUpDownCounter(name, () => Owners.Measure(figure), unit, description));

    private static void Counter(string name, string unit, string description, Func<PageStoreStatistics, long> figure) =>
        Publication.Of(() => Meter.CreateObservableCounter(name, () => Owners.Measure(figure), unit, description));
}
