namespace PageFold.Tests;

/// <summary>A clock that stands still until a test moves it; the timer that was made last goes off when the test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private Action? _callback;

    public TimeSpan Elapsed { get; set; }

    public bool Disposed { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Elapsed.Ticks;

    public void Fire() => _callback!();

    /// <summary>Moves the clock and lets the timer go off.</summary>
    public void Advance(TimeSpan by)
    {
        Elapsed += by;
        Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _callback = () => callback(state);
        return new ManualTimer(this);
    }

    private sealed class ManualTimer(ManualTime time) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => time.Disposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
