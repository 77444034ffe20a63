namespace PageFold.Caching.Tags;

/// <summary>The latest 1,024 retirements of tags: a hash of the name, and when.</summary>
/// <remarks>
/// Two names of one hash are taken for the same, which refuses a load that could have been stored. Not thread-safe. The 16 KiB are taken
/// with the first retirement; if they are refused, all tags count as retired then.
/// </remarks>
internal sealed unsafe class RetiredTags(CacheMemory memory)
{
    private const int Length = 1024;
    private const long RingBytes = Length * 2 * sizeof(ulong);

    private Retirement* _ring;
    private long _added;

    // The latest retirement that the ring does not hold.
    private ulong _forgotten;

    /// <summary>Bytes taken.</summary>
    public long Bytes => _ring == null ? 0 : RingBytes;

    /// <summary>Completes a hash of 32 bits to one of 64.</summary>
    public static ulong HashOf(ReadOnlySpan<char> name, uint hash)
    {
        ulong sum = hash;
        foreach (char character in name)
            sum = (sum ^ character) * 0x9E37_79B9_7F4A_7C15;
        return (ulong)hash << 32 | sum >> 32;
    }

    /// <summary>Adds a retirement, later than all before.</summary>
    public void Add(ulong hash, ulong sequence)
    {
        if (_ring == null && (_ring = (Retirement*)memory.TryAllocate(RingBytes)) == null)
        {
            _forgotten = sequence;
            return;
        }
        ref Retirement oldest = ref _ring[_added++ % Length];
        _forgotten = Math.Max(_forgotten, oldest.Sequence);
        oldest = new Retirement { Hash = hash, Sequence = sequence };
    }

    /// <summary>Whether a tag was retired after an event, or may have been.</summary>
    public bool Contains(ulong hash, ulong sequence)
    {
        if (_forgotten > sequence)
            return true;
        for (long i = _added - 1; i >= 0 && _ring[i % Length].Sequence > sequence; i--)
        {
            if (_ring[i % Length].Hash == hash)
                return true;
        }
        return false;
    }

    /// <summary>Gives the memory back.</summary>
    public void Free()
    {
        if (_ring != null)
            memory.Free((byte*)_ring, RingBytes);
        _ring = null;
    }

    private struct Retirement
    {
        public ulong Hash;
        public ulong Sequence;
    }
}
