namespace PageFold.Caching.Tests;

/// <summary>A clock that a test moves; its timers go off as it passes their times, on the test's thread.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];
    private long _timestamp = 12345;
    private DateTimeOffset _utcNow = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Elapsed => new(_timestamp - 12345);

    /// <summary>Timers that were made and not disposed.</summary>
    public int Timers => _timers.Count;

    public override long GetTimestamp() => Volatile.Read(ref _timestamp);

    public override DateTimeOffset GetUtcNow() => _utcNow;

    /// <summary>Lets time pass. Timers go off once, as after a sleep of the machine.</summary>
    public void Advance(TimeSpan by)
    {
        Volatile.Write(ref _timestamp, _timestamp + by.Ticks);
        _utcNow += by;
        foreach (ManualTimer timer in _timers.ToArray())
            timer.FireIfDue();
    }

    /// <summary>Lets time pass without a timer.</summary>
    public void AdvanceSilently(TimeSpan by)
    {
        Volatile.Write(ref _timestamp, _timestamp + by.Ticks);
        _utcNow += by;
    }

    /// <summary>Sets the machine's time of day; no time passes.</summary>
    public void JumpTo(DateTimeOffset time) => _utcNow = time;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state), period) { Due = _timestamp + dueTime.Ticks };
        _timers.Add(timer);
        return timer;
    }

    private sealed class ManualTimer(ManualClock clock, Action callback, TimeSpan period) : ITimer
    {
        public long Due { get; set; }

        public void FireIfDue()
        {
            if (clock._timestamp < Due)
                return;
            Due = clock._timestamp + period.Ticks;
            callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => clock._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
