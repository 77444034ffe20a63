namespace PageFold.Caching.Tests.Model;

/// <summary>What the model knows of an entry that the cache holds, dead or alive.</summary>
internal sealed class ModelEntry
{
    /// <summary>What tells the value's bytes.</summary>
    public ulong Seed;
    public int Length;
    public TimeSpan? Sliding;
    public TimeSpan FixedDeadline = TimeSpan.MaxValue;
    public TimeSpan Deadline = TimeSpan.MaxValue;

    /// <summary>When each of its tags was removed last, as it was set.</summary>
    public (int Tag, long Removals)[] Tags = [];
    public bool IsPinned;

    /// <summary>An entry may go early by so much: its times are kept in sixteenths of a second, long intervals to a thousandth.</summary>
    public TimeSpan Early => TimeSpan.FromSeconds(2.0 / 16) + (Sliding ?? TimeSpan.Zero) / 1000;

    public void Use(TimeSpan now)
    {
        if (Sliding is { } sliding)
            Deadline = sliding > TimeSpan.MaxValue - now || FixedDeadline < now + sliding ? FixedDeadline : now + sliding;
    }
}
