using System.Diagnostics.Metrics;

namespace PageFold.Telemetry;

/// <summary>The open stores, or pools, of the process with their names, and their statistics when an instrument is read. Thread-safe.</summary>
/// <typeparam name="TOwner">The store or pool.</typeparam>
/// <typeparam name="TStatistics">What it reports.</typeparam>
internal sealed class Owners<TOwner, TStatistics>(string prefix, Func<TOwner, TStatistics> read)
    where TOwner : class
    where TStatistics : class
{
    // All instruments of one collection share what was read for the first of them.
    private const long MillisecondsOfOneCollection = 100;

    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private int _unnamed;

    /// <summary>Adds an owner. A weak reference: an owner that was forgotten is left out, and goes.</summary>
    public void Add(TOwner owner, string? name)
    {
        lock (_lock)
        {
            _entries.RemoveAll(entry => !entry.Owner.TryGetTarget(out _));
            _entries.Add(new Entry(new WeakReference<TOwner>(owner), name ?? $"{prefix}-{++_unnamed}"));
        }
    }

    public void Remove(TOwner owner)
    {
        lock (_lock)
            _entries.RemoveAll(entry => !entry.Owner.TryGetTarget(out TOwner? other) || other == owner);
    }

    /// <summary>One measurement for each owner that is open.</summary>
    public IReadOnlyList<Measurement<long>> Measure(Func<TStatistics, long> figure)
    {
        List<Measurement<long>> measurements = [];
        lock (_lock)
        {
            long now = Environment.TickCount64;
            foreach (Entry entry in _entries)
            {
                if (Read(entry, now) is { } statistics)
                    measurements.Add(new Measurement<long>(figure(statistics), entry.Tag));
            }
        }
        return measurements;
    }

    private TStatistics? Read(Entry entry, long now)
    {
        if (entry.Statistics is not null && now - entry.ReadAt < MillisecondsOfOneCollection)
            return entry.Statistics;
        try
        {
            entry.Statistics = entry.Owner.TryGetTarget(out TOwner? owner) ? read(owner) : null;
            entry.ReadAt = now;
        }
        catch (ObjectDisposedException)
        {
            // It was closed after the list was read.
            entry.Statistics = null;
        }
        return entry.Statistics;
    }

    private sealed class Entry(WeakReference<TOwner> owner, string name)
    {
        public WeakReference<TOwner> Owner => owner;

        public KeyValuePair<string, object?> Tag { get; } = new("name", name);

        public TStatistics? Statistics { get; set; }

        public long ReadAt { get; set; }
    }
}
