namespace PageFold.Caching.Coding;

/// <summary>Contexts for values of any length, which all coders share, because each takes about a megabyte.</summary>
/// <remarks>
/// One is charged from the beginning, so that every value can be decoded, however short memory is. Another one is made while that is in use
/// if the limit allows it. A context is replaced in its place by one of another version. Thread-safe.
/// </remarks>
internal sealed class LargeContexts : IDisposable
{
    private readonly CacheMemory _memory;
    private readonly long _bytes;
    private readonly Slot?[] _slots;
    private readonly object _gate = new();
    private int _waiting;

    private LargeContexts(CacheMemory memory, long bytes, int max)
    {
        (_memory, _bytes) = (memory, bytes);
        _slots = new Slot?[max];
        _slots[0] = new Slot();
    }

    /// <summary>Makes the first; null when the limit is reached.</summary>
    /// <param name="memory">What contexts are charged to.</param>
    /// <param name="bytes">The most bytes of one.</param>
    /// <param name="max">The most that are in use at once.</param>
    public static LargeContexts? TryCreate(CacheMemory memory, long bytes, int max) =>
        memory.TryCharge(bytes) ? new LargeContexts(memory, bytes, max) : null;

    /// <summary>Takes a place, with the context of a version in it. Waits if all are in use.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for the context.</exception>
    public Slot Take(CodecVersion version)
    {
        Slot slot = TakeSlot(version);
        if (slot.Version == version)
            return slot;
        try
        {
            slot.Clear();
            slot.Context = version.Codec.CreateContext(ValueCoder.MaxLength);
            slot.Version = version;
            return slot;
        }
        catch
        {
            Return(slot);
            throw;
        }
    }

    /// <summary>Returns a place.</summary>
    public void Return(Slot slot)
    {
        lock (_gate)
        {
            slot.IsTaken = false;
            if (_waiting > 0)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Disposes the contexts that are not in use and whose version is no longer there.</summary>
    public void Sweep(CodecVersions versions)
    {
        lock (_gate)
        {
            foreach (Slot? slot in _slots)
            {
                if (slot is { IsTaken: false, Version: { } version } && versions[version.Number] != version)
                    slot.Clear();
            }
        }
    }

    /// <summary>Gives back the places that are not in use, but the first.</summary>
    public void Shrink()
    {
        lock (_gate)
        {
            for (int i = 1; i < _slots.Length; i++)
            {
                if (_slots[i] is not { IsTaken: false } slot)
                    continue;
                slot.Clear();
                _memory.Release(_bytes);
                _slots[i] = null;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            for (int i = 0; i < _slots.Length; i++)
            {
                if (_slots[i] is not { } slot)
                    continue;
                slot.Clear();
                _memory.Release(_bytes);
                _slots[i] = null;
            }
        }
    }

    private Slot TakeSlot(CodecVersion version)
    {
        lock (_gate)
        {
            while (true)
            {
                if ((Find(version) ?? Grow()) is { } slot)
                {
                    slot.IsTaken = true;
                    return slot;
                }
                _waiting++;
                Monitor.Wait(_gate);
                _waiting--;
            }
        }
    }

    /// <summary>Returns a free place, one with a context of the version if there is one; null if all are in use.</summary>
    private Slot? Find(CodecVersion version)
    {
        Slot? free = null;
        foreach (Slot? slot in _slots)
        {
            if (slot is not { IsTaken: false })
                continue;
            if (slot.Version == version)
                return slot;
            free ??= slot;
        }
        return free;
    }

    private Slot? Grow()
    {
        int place = Array.IndexOf(_slots, null);
        return place >= 0 && _memory.TryCharge(_bytes) ? _slots[place] = new Slot() : null;
    }

    /// <summary>A place for a context.</summary>
    internal sealed class Slot
    {
        /// <summary>True while a coder uses it.</summary>
        public bool IsTaken { get; set; }

        /// <summary>The version of the context.</summary>
        public CodecVersion? Version { get; set; }

        /// <summary>The context; null if none was made.</summary>
        public PageCodecContext? Context { get; set; }

        /// <summary>Disposes the context.</summary>
        public void Clear()
        {
            Context?.Dispose();
            (Context, Version) = (null, null);
        }
    }
}
