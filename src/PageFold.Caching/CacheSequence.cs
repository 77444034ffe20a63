namespace PageFold.Caching;

/// <summary>Numbers the events of a cache whose order counts: misses with a token, and retirements of tags.</summary>
internal sealed class CacheSequence
{
    private ulong _last;

    /// <summary>The number of the latest event; 0 before the first.</summary>
    public ulong Last => Volatile.Read(ref _last);

    /// <summary>Takes the next number: larger than any that was taken before.</summary>
    public ulong Next() => Interlocked.Increment(ref _last);
}
