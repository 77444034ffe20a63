using PageFold.Caching.Expiry;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>What an entry is stored with beside key and value: deadlines, tags, and whether it is pinned.</summary>
internal ref struct EntryTerms
{
    public EntryForms Forms;
    public uint Deadline;
    public ushort Interval;
    public uint FixedDeadline;

    /// <summary>The tags' numbers as the header has them; each has a reference that the entry takes over.</summary>
    public ReadOnlySpan<byte> Tags;

    /// <summary>The header of an entry with these terms.</summary>
    public readonly EntryHeader Header(int keyLength, int valueLength) => new()
    {
        Forms = Tags.IsEmpty ? Forms : Forms | EntryForms.Tagged,
        Interval = Interval,
        FixedDeadline = FixedDeadline,
        KeyLength = keyLength,
        ValueLength = valueLength,
    };

    /// <summary>Sets the deadlines of a policy; false if it has passed.</summary>
    public bool TrySetDeadlines(in CacheEntryPolicy policy, CacheClock clock)
    {
        FixedDeadline = CacheClock.Never;
        if (policy.Expiration is { } expiration)
            FixedDeadline = clock.After(expiration);
        if (policy.ExpiresAt is { } time)
            FixedDeadline = Math.Min(FixedDeadline, clock.At(time));
        Deadline = FixedDeadline;
        if (policy.SlidingExpiration is { } sliding)
        {
            // Less than a tick of the clock would be rounded up to one, and the entry served after its time.
            if (sliding.Ticks < CacheClock.TimeSpanTicks)
                return false;
            Interval = SlidingInterval.Encode(sliding);
            Deadline = Math.Min(Deadline, SlidingInterval.Deadline(Interval, clock.Now));
        }
        if (Interval != SlidingInterval.None)
            Forms |= FixedDeadline == CacheClock.Never ? EntryForms.Slides : EntryForms.Slides | EntryForms.SlidesWithin;
        if (Deadline != CacheClock.Never)
            Forms |= EntryForms.Expires;
        return Deadline > clock.Now;
    }
}
