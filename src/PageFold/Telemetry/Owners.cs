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
    private Entry[] _entries = [];
    private int _unnamed;

    /// <summary>Adds an owner, by a weak reference: one that was forgotten is left out, and the collector frees it.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="read">Reads its statistics; must not keep it alive.</param>
    /// <param name="name">Its name; null to number it.</param>
    public void Add(object owner, Func<object, TStatistics> read, string? name)
    {
        lock (_lock)
            _entries = [.. _entries.Where(entry => entry.Owner is not null), new Entry(owner, read, name ?? $"{prefix}-{++_unnamed}")];
    }

    public void Remove(object owner)
    {
        lock (_lock)
            _entries = [.. _entries.Where(entry => entry.Owner is { } other && other != owner)];
    }

    /// <summary>One measurement for each owner that is open.</summary>
    public IReadOnlyList<Measurement<long>> Measure(Func<TStatistics, long> figure)
    {
        // Without the lock: statistics ask codecs, which may be any caller's, and make or dispose stores.
        List<Measurement<long>> measurements = [];
        foreach (Entry entry in Volatile.Read(ref _entries))
        {
            if (entry.Read() is { } statistics)
                measurements.Add(new Measurement<long>(figure(statistics), entry.Tag));
        }
        return measurements;
    }

    private sealed class Entry(object owner, Func<object, TStatistics> read, string name)
    {
        private readonly WeakReference<object> _owner = new(owner);
        private (TStatistics? Statistics, long At)? _last;

        /// <summary>The owner; null if it was forgotten.</summary>
        public object? Owner => _owner.TryGetTarget(out object? alive) ? alive : null;

        public KeyValuePair<string, object?> Tag { get; } = new("name", name);

        /// <summary>The owner's statistics, at most so old as a collection takes; null if it is closed or was forgotten.</summary>
        public TStatistics? Read()
        {
            long now = Environment.TickCount64;
            lock (_owner)
            {
                if (_last is { } last && now - last.At < MillisecondsOfOneCollection)
                    return last.Statistics;
                try
                {
                    _last = (Owner is { } alive ? read(alive) : null, now);
                }
                catch (ObjectDisposedException)
                {
                    _last = (null, now);
                }
                return _last.Value.Statistics;
            }
        }
    }
}
