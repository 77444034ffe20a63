namespace PageFold.Caching.Expiry;

/// <summary>The clock of expiry: sixteenths of a second since the cache began, in four bytes.</summary>
/// <remarks>
/// <para>
/// It counts timestamps of the <see cref="TimeProvider"/>, so that setting the machine's time changes no deadline. A deadline that is given
/// as a time of day becomes one of this clock when it is set. An entry has expired once <see cref="Now"/> has reached its deadline.
/// </para>
/// <para>
/// Deadlines are rounded down: an entry may expire a tick early and is never served after its time. A deadline beyond the clock's end,
/// eight and a half years after the cache began, is <see cref="Never"/>.
/// </para>
/// <para>Thread-safe. Reading the time costs little more than a timestamp; it is not cached, which would need a timer.</para>
/// </remarks>
internal sealed class CacheClock
{
    /// <summary>The clock's ticks in a second.</summary>
    public const int TicksPerSecond = 16;

    /// <summary>The deadline of an entry that does not expire. The clock does not reach it.</summary>
    public const uint Never = uint.MaxValue;

    /// <summary>A deadline that has passed from the beginning.</summary>
    public const uint Passed = 0;

    /// <summary>Ticks of <see cref="TimeSpan"/> in a tick of the clock.</summary>
    internal const long TimeSpanTicks = TimeSpan.TicksPerSecond / TicksPerSecond;

    // The clock begins at this tick, so that a deadline of 0 has passed.
    private const long Begin = 1;

    private const long Nanoseconds = 1_000_000_000;

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly long _frequency;

    public CacheClock(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _frequency = time.TimestampFrequency;
    }

    /// <summary>The time: at least 1, less than <see cref="Never"/>, where it stops.</summary>
    public uint Now
    {
        get
        {
            long ticks;
            if (_frequency == Nanoseconds)
            {
                // The usual frequency: a division by a constant costs next to nothing.
                ticks = Begin + Math.Max(_time.GetTimestamp() - _start, 0) / (Nanoseconds / TicksPerSecond);
            }
            else
            {
                (long seconds, long part) = Elapsed();
                ticks = Begin + seconds * TicksPerSecond + part * TicksPerSecond / _frequency;
            }
            return (uint)Math.Min(ticks, Never - 1);
        }
    }

    /// <summary>The deadline after so long; <see cref="Passed"/> for zero or less.</summary>
    public uint After(TimeSpan interval)
    {
        if (interval <= TimeSpan.Zero)
            return Passed;
        (long seconds, long part) = Elapsed();
        (long more, long rest) = Math.DivRem(interval.Ticks, TimeSpan.TicksPerSecond);
        // The parts of a second are added before they are rounded.
        Int128 parts = (Int128)part * TimeSpan.TicksPerSecond + (Int128)rest * _frequency;
        Int128 second = (Int128)_frequency * TimeSpan.TicksPerSecond;
        long ticks = Begin + (seconds + more) * TicksPerSecond + (long)(parts * TicksPerSecond / second);
        return ticks >= Never ? Never : (uint)ticks;
    }

    /// <summary>The deadline at a time of day; <see cref="Passed"/> for one that has passed.</summary>
    public uint At(DateTimeOffset time) => After(time - _time.GetUtcNow());

    /// <summary>The time until a deadline other than <see cref="Never"/>; less than zero if it has passed.</summary>
    public TimeSpan Until(uint deadline)
    {
        (long seconds, long part) = Elapsed();
        long elapsed = seconds * TimeSpan.TicksPerSecond + (long)((Int128)part * TimeSpan.TicksPerSecond / _frequency);
        return new TimeSpan((deadline - Begin) * TimeSpanTicks - elapsed);
    }

    /// <summary>The time of day of a deadline other than <see cref="Never"/>.</summary>
    public DateTime UtcOf(uint deadline) =>
        new(Math.Clamp(_time.GetUtcNow().UtcTicks + Until(deadline).Ticks, 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc);

    // Whole seconds, and the part of one in timestamps. Before its beginning and after its end the clock stands.
    private (long Seconds, long Part) Elapsed()
    {
        (long seconds, long part) = Math.DivRem(Math.Max(_time.GetTimestamp() - _start, 0), _frequency);
        return (Math.Min(seconds, uint.MaxValue), part);
    }
}
