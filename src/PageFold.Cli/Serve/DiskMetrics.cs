using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace PageFold.Cli.Serve;

/// <summary>The disks' figures as metrics, and a listener that Prometheus reads them from; each scrape reads them anew.</summary>
internal sealed class DiskMetrics : IDisposable
{
    private const string MeterName = "PageFold.Nbd";
    private const string ServiceName = "pagefold";

    private readonly Meter _meter = new(MeterName);
    private readonly MeterProvider _provider;
    // One look at the disks serves all the figures of one scrape.
    private const int MillisecondsOfOneScrape = 200;

    private readonly Lock _lock = new();
    private readonly HostedDisks _disks;
    private IReadOnlyList<DiskReport> _reports = [];
    private long _taken = long.MinValue;

    /// <exception cref="HttpListenerException">The address cannot be listened on.</exception>
    public DiskMetrics(HostedDisks disks, IPEndPoint address)
    {
        _disks = disks;
        Gauge("pagefold.disk.size", "By", "Bytes of the disk as its clients see it.", report => report.Size);
        Gauge("pagefold.disk.original", "By", "Bytes of the pages that are stored, uncompressed.", report => report.OriginalBytes);
        Gauge("pagefold.disk.compressed", "By", "Bytes of the stored pages as they lie in memory.", report => report.CompressedBytes);
        Gauge("pagefold.disk.held", "By", "All bytes held: frames, tables, buffers and the cache.", report => report.TotalBytes);
        Gauge("pagefold.disk.peak", "By", "The most bytes held at once.", report => report.PeakBytes);
        Gauge("pagefold.disk.limit", "By", "The most bytes that may be held.", report => report.MemoryLimit);
        Gauge("pagefold.disk.available", "By",
            "Bytes that blocks without content may still take before they are refused, what a training gives up for them included.",
            report => report.AvailableBytes);
        Gauge("pagefold.disk.nearly_full", "1",
            "1 if writes will be refused once the available bytes are used up, and less than an eighth of the limit is left.",
            report => report.IsNearlyFull ? 1 : 0);
        Gauge("pagefold.disk.pages", "{page}", "Pages stored.", report => report.Pages);
        Gauge("pagefold.disk.same_filled", "{page}", "Pages that are one repeated word.", report => report.SameFilledPages);
        Gauge("pagefold.disk.incompressible", "{page}", "Pages stored raw.", report => report.IncompressiblePages);
        Gauge("pagefold.disk.written_back", "{page}", "Pages in the writeback file.", report => report.WrittenBackPages);
        Gauge("pagefold.disk.writeback_file", "By", "Bytes of the writeback file that hold something.",
            report => report.WritebackFileBytes);
        Count("pagefold.disk.writeback_reads", "{page}", "Pages read from the writeback file.", report => report.WritebackReads);
        Gauge("pagefold.disk.connections", "{connection}", "Connections that are open.", report => report.Connections);
        _meter.CreateObservableUpDownCounter(
            "pagefold.connection_memory", () => _disks.Server?.ConnectionBytes ?? 0, "By", "Bytes that all connections have in hand.");
        _meter.CreateObservableUpDownCounter(
            "pagefold.connection_memory_limit",
            () => _disks.Server?.ConnectionBytesLimit ?? 0,
            "By",
            "The most bytes that all connections can have in hand.");
        Count("pagefold.disk.refused_writes", "{page}", "Pages refused because memory was short.", report => report.RefusedWrites);
        Count("pagefold.disk.frames_compacted", "{frame}", "Frames that compaction has freed.", report => report.FramesCompacted);
        ByCommand("pagefold.disk.requests", "{request}", "Requests answered.", activity => activity.Requests);
        ByCommand("pagefold.disk.transferred", "By", "Bytes that successful requests were about.", activity => activity.Bytes);
        ByCommand("pagefold.disk.errors", "{request}", "Requests answered with an error.", activity => activity.Errors);
        _meter.CreateObservableCounter(
            "pagefold.disk.request_time", () => PerCommand(activity => activity.Seconds), "s", "Time spent on requests, sockets left out.");
        try
        {
            _provider = Sdk.CreateMeterProviderBuilder()
                .SetResourceBuilder(Resource())
                .AddMeter(MeterName)
                .AddPrometheusHttpListener(options =>
                {
                    options.Host = HostOf(address.Address);
                    options.Port = address.Port;
                })
                .Build();
        }
        catch (InvalidOperationException e) when (e.InnerException is HttpListenerException cause)
        {
            _meter.Dispose();
            throw new HttpListenerException(cause.ErrorCode, cause.Message);
        }
    }

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
    }

    /// <summary>Says what is measured. What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) counts more.</summary>
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddService(ServiceName, autoGenerateServiceInstanceId: false).AddTelemetrySdk().AddEnvironmentVariableDetector();

    /// <summary>An address as the listener wants it.</summary>
    private static string HostOf(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    private void Gauge(string name, string unit, string description, Func<DiskReport, long> figure) =>
        _meter.CreateObservableUpDownCounter(name, () => PerExport(figure), unit, description);

    private void Count(string name, string unit, string description, Func<DiskReport, long> figure) =>
        _meter.CreateObservableCounter(name, () => PerExport(figure), unit, description);

    private void ByCommand(string name, string unit, string description, Func<ActivityReport, long> figure) =>
        _meter.CreateObservableCounter(name, () => PerCommand(figure), unit, description);

    private IEnumerable<Measurement<long>> PerExport(Func<DiskReport, long> figure) =>
        Reports().Select(report => new Measurement<long>(figure(report), new KeyValuePair<string, object?>("export", report.Name)));

    private IReadOnlyList<DiskReport> Reports()
    {
        lock (_lock)
        {
            long now = Environment.TickCount64;
            if (_taken == long.MinValue || now - _taken > MillisecondsOfOneScrape)
                (_reports, _taken) = ([.. _disks.Exports.Select(DiskReport.Of)], now);
            return _reports;
        }
    }

    private IEnumerable<Measurement<T>> PerCommand<T>(Func<ActivityReport, T> figure)
        where T : struct =>
        from report in Reports()
        from activity in report.Requests
        select new Measurement<T>(figure(activity.Value), new("export", report.Name), new("command", activity.Key));
}
