namespace PageFold.Nbd.Session;

/// <summary>
/// The rate at which the writes of one connection are refused for want of memory. A refusal adds to a debt that time pays off; while more
/// is owed than may be at once, the connection's loop waits before its next write, until half of that is paid. So a client that repeats
/// refused writes without an end takes a bounded share of the server, and wakes it some twenty times a second rather than for each refusal.
/// </summary>
/// <remarks>
/// <see cref="Add"/> may be called from any thread, all else from the loop alone. A wait holds no lock and nothing of the store. The timer
/// comes with the first wait, so a connection without refusals has none.
/// </remarks>
internal sealed class RefusalRate(int? perSecond, TimeProvider time, Signal changed) : IDisposable
{
    private readonly long _interval = perSecond is { } rate ? Math.Max(1, time.TimestampFrequency / rate) : 0;

    // A tenth of a second's refusals may come at once.
    private readonly long _most = perSecond is { } rate ? Math.Max(1, time.TimestampFrequency / rate) * Math.Max(1, rate / 10) : 0;

    // When the last refusal is paid, by the clock's timestamps; zero before the first.
    private long _paidAt;
    private ITimer? _timer;
    private bool _isWaiting;

    private long ResumesAt => Math.Max(_interval, _most / 2);

    /// <summary>Nothing was ever refused, so there is nothing to wait for.</summary>
    public bool IsUnused => Volatile.Read(ref _paidAt) == 0;

    /// <summary>Notes a refusal.</summary>
    public void Add()
    {
        if (_interval == 0)
            return;
        long now = time.GetTimestamp();
        long paidAt = Volatile.Read(ref _paidAt);
        while (true)
        {
            long seen = Interlocked.CompareExchange(ref _paidAt, Math.Max(paidAt, now) + _interval, paidAt);
            if (seen == paidAt)
                return;
            paidAt = seen;
        }
    }

    /// <summary>
    /// True if so little is owed that the next write may begin. Otherwise the signal is given when that may be so; the caller waits for it
    /// and asks again.
    /// </summary>
    public bool IsPaid()
    {
        long now = time.GetTimestamp();
        // One more has to fit, for the write that begins may be refused.
        long owed = Volatile.Read(ref _paidAt) + _interval - now;
        if (IsUnused || owed <= (_isWaiting ? ResumesAt : _most))
        {
            _isWaiting = false;
            return true;
        }
        _isWaiting = true;
        long wait = owed - ResumesAt;
        _timer ??= time.CreateTimer(static state => ((Signal)state!).Set(), changed, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // Timers count whole milliseconds; rounded down, the wait would be a loop.
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(time.GetElapsedTime(0, wait).TotalMilliseconds)), Timeout.InfiniteTimeSpan);
        return false;
    }

    public void Dispose() => _timer?.Dispose();
}
