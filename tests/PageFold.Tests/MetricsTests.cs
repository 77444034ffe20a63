using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using PageFold.Telemetry;

namespace PageFold.Tests;

/// <summary>What a listener of the meter "PageFold" receives.</summary>
public class MetricsTests
{
    private const int PageSize = 4096;

    [Fact]
    public void A_store_reports_its_figures_under_its_name_until_it_is_disposed()
    {
        string name = $"store of {nameof(MetricsTests)}";
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Name = name });
        byte[] page = new byte[PageSize];
        store.Write(1, page);
        Pages.FillCompressible(page, 1, 0.5);
        store.Write(2, page);
        Dictionary<string, long> figures = Collect(name);
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal(2, figures["pagefold.store.pages"]);
        Assert.Equal(2 * PageSize, figures["pagefold.store.original"]);
        Assert.Equal(statistics.CompressedBytes, figures["pagefold.store.compressed"]);
        Assert.Equal(1, figures["pagefold.store.same_filled"]);
        Assert.Equal(16 << 20, figures["pagefold.store.limit"]);
        Assert.Equal(0, figures["pagefold.store.refused_writes"]);
        Assert.InRange(figures["pagefold.store.held"], 1, 16 << 20);
        store.Dispose();
        Assert.Empty(Collect(name));
    }

    [Fact]
    public void A_pool_reports_its_figures_under_its_name_until_it_is_disposed()
    {
        string name = $"pool of {nameof(MetricsTests)}";
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 16 << 20, Name = name });
        ZsHandle handle = pool.Allocate(1000);
        Dictionary<string, long> figures = Collect(name);
        Assert.Equal(1, figures["pagefold.pool.objects"]);
        Assert.InRange(figures["pagefold.pool.object_bytes"], 1000, 1100);
        Assert.Equal(16 << 20, figures["pagefold.pool.limit"]);
        pool.Free(handle);
        pool.Dispose();
        Assert.Empty(Collect(name));
    }

    [Fact]
    public void Stores_without_a_name_are_told_apart()
    {
        using PageStore first = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        using PageStore second = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        List<string> names = [];
        Listen((instrument, _, tag) =>
        {
            if (instrument == "pagefold.store.pages")
                names.Add(tag);
        });
        Assert.True(names.Count(name => name.StartsWith("store-", StringComparison.Ordinal)) >= 2);
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    /// <summary>The instruments of the library exist by now, so here another one is published in the same way.</summary>
    [Fact]
    public void A_listener_that_throws_keeps_no_store_from_being_made()
    {
        using Meter meter = new(nameof(A_listener_that_throws_keeps_no_store_from_being_made));
        bool isTold = false;
        using (MeterListener hostile = new())
        {
            hostile.InstrumentPublished = (instrument, _) =>
            {
                isTold = isTold || instrument.Meter == meter;
                if (instrument.Meter == meter)
                    throw new InvalidTimeZoneException();
            };
            hostile.Start();
            Publication.Of(() => meter.CreateObservableCounter("counter", () => 7L));
        }
        Assert.True(isTold);
        long measured = 0;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == meter)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => measured = value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(7, measured);
    }

    [Fact]
    public void A_forgotten_store_is_collected_and_not_reported()
    {
        string name = $"forgotten store of {nameof(MetricsTests)}";
        WeakReference forgotten = Forget(name);
        for (int i = 0; i < 20 && forgotten.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(forgotten.IsAlive);
        // What was read for one collection is kept as long as that takes.
        Assert.True(SpinWait.SpinUntil(() => Collect(name).Count == 0, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void An_owner_that_is_disposed_while_it_is_read_is_left_out_and_others_are_not()
    {
        object[] keys = [new(), new()];
        Owners<string> owners = new("owner");
        owners.Add(keys[0], _ => throw new ObjectDisposedException("owner"), "closed");
        owners.Add(keys[1], _ => "four", "open");
        Measurement<long> only = Assert.Single(owners.Measure(statistics => statistics.Length));
        Assert.Equal((4, "open"), (only.Value, only.Tags[0].Value));
        GC.KeepAlive(keys);
    }

    [Fact]
    public void Every_instrument_has_a_unit_and_a_description()
    {
        // Those of a kind exist from the first of the kind on.
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 16 << 20 });
        int instruments = 0;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name != PageFoldMetrics.MeterName)
                return;
            instruments++;
            Assert.StartsWith("pagefold.", instrument.Name, StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(instrument.Unit));
            Assert.EndsWith(".", instrument.Description, StringComparison.Ordinal);
        };
        listener.Start();
        Assert.Equal(23, instruments);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Forget(string name)
    {
        PageStore store = new(new PageStoreOptions { Name = name, MemoryLimit = 16 << 20 });
        store.Write(1, new byte[PageSize]);
        Assert.Equal(1, Collect(name)["pagefold.store.pages"]);
        return new WeakReference(store);
    }

    private static Dictionary<string, long> Collect(string name)
    {
        Dictionary<string, long> figures = [];
        Listen((instrument, value, tag) =>
        {
            if (tag == name)
                figures.Add(instrument, value);
        });
        return figures;
    }

    private static void Listen(Action<string, long, string> measured)
    {
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == PageFoldMetrics.MeterName)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured(instrument.Name, value, (string)tags[0].Value!));
        listener.Start();
        listener.RecordObservableInstruments();
    }
}
