using System.Diagnostics.Metrics;

namespace PageFold.Telemetry;

/// <summary>
/// The open stores, or pools, of the process with their names, and their statistics when an instrument is read. Thread-safe.
/// </summary>
/// <typeparam name="TStatistics">What an owner reports.</typeparam>
/// <param name="prefix">What owners without a name are called, before a number.</param>
internal sealed class Owners<TStatistics>(string prefix)
    where TStatistics : class
{
    // All instruments of one collection share what was read for the first of them.
    private const long MillisecondsOfOneCollection = 100;

    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private int _unnamed;

    /// <summary>Adds an owner, by a weak reference: one that was forgotten is left out, and the collector frees it.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="read">Reads its statistics; must not keep it alive.</param>
    /// <param name="name">Its name; null to number it.</param>
    public void Add(object owner, Func<object, TStatistics> read, string? name)
    {
        lock (_lock)
        {
            _entries.RemoveAll(entry => !entry.Owner.TryGetTarget(out _));
            _entries.Add(new Entry(new WeakReference<object>(owner), read, name ?? $"{prefix}-{++_unnamed}"));
        }
    }

    public void Remove(object owner)
    {
        lock (_lock)
            _entries.RemoveAll(entry => !entry.Owner.TryGetTarget(out object? other) || other == owner);
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

    private static TStatistics? Read(Entry entry, long now)
    {
        if (entry.Statistics is not null && now - entry.ReadAt < MillisecondsOfOneCollection)
            return entry.Statistics;
        try
        {
            entry.Statistics = entry.Owner.TryGetTarget(out object? owner) ? entry.Read(owner) : null;
            entry.ReadAt = now;
        }
        catch (ObjectDisposedException)
        {
            // It was closed after the list was read.
            entry.Statistics = null;
        }
        return entry.Statistics;
    }

    private sealed class Entry(WeakReference<object> owner, Func<object, TStatistics> read, string name)
    {
        public WeakReference<object> Owner => owner;

        public Func<object, TStatistics> Read => read;

        public KeyValuePair<string, object?> Tag { get; } = new("name", name);

        public TStatistics? Statistics { get; set; }

        public long ReadAt { get; set; }
    }
}
