namespace PageFold.Store.Log;

/// <summary>
/// How many bytes may still be written in the current day, which is 24 hours by a clock that no change of date or time moves, counted from
/// when the store was made. Used by one writeback at a time.
/// </summary>
internal sealed class WritebackBudget(long? daily, TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private long _day;
    private long _used;

    public long Left
    {
        get
        {
            long today = time.GetElapsedTime(_start).Ticks / TimeSpan.TicksPerDay;
            // A day that was left does not come back, whatever a clock of the caller's says.
            if (today > _day)
                (_day, _used) = (today, 0);
            return daily is { } bytes ? Math.Max(0, bytes - _used) : long.MaxValue;
        }
    }

    public void Use(long bytes) => _used += bytes;
}
