namespace PageFold.Store;

/// <summary>How many bytes may still be written today. Used by one writeback at a time.</summary>
internal sealed class WritebackBudget(long? daily, TimeProvider time)
{
    private DateOnly _day;
    private long _used;

    public long Left
    {
        get
        {
            DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
            if (today != _day)
                (_day, _used) = (today, 0);
            return daily is { } bytes ? Math.Max(0, bytes - _used) : long.MaxValue;
        }
    }

    public void Use(long bytes) => _used += bytes;
}
