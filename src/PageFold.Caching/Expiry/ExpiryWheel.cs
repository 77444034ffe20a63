using System.Numerics;

namespace PageFold.Caching.Expiry;

/// <summary>Tells which entries may have expired, group by group, for a fraction of a byte an entry.</summary>
/// <remarks>
/// <para>
/// The hashes of entries are divided into groups by their low bits, about one group for 64 entries. A group has the earliest deadline of
/// its entries, and lies in a slot of a hierarchical timer wheel (Varghese and Lauck, 1987) of four levels with 256 slots each: the level
/// is the highest byte in which the deadline differs from the wheel's time, the slot that byte. When the time reaches a slot, its groups
/// are due, or move to a lower level. A group takes 12 bytes; the wheel takes 5 KiB with the first deadline, and nothing before.
/// </para>
/// <para>
/// The caller takes a group that is due by <see cref="TryTakeDue"/>, visits the entries whose hash is in its range, removes those that have
/// expired, and notes the earliest deadline of the others by <see cref="Note(GroupRange, uint)"/>. The group has no deadline during the
/// visit, so that a deadline noted meanwhile puts it into the wheel again. So that no deadline is lost, <see cref="Note(uint, uint)"/> is
/// called under the lock under which its entry was written, and the visit takes that lock too: either the visit sees the entry, or the note
/// comes after the group was taken. Deadlines that were replaced by later ones, and entries that have gone, cost a visit in vain.
/// </para>
/// <para>
/// The number of groups doubles without a pause: a new group is closed at first, and the group without its top bit keeps the deadline for
/// both. It opens, with the deadline of that group, at its first note or when that group is taken.
/// </para>
/// <para>
/// A clock that jumps ahead costs at most four moves a group, in short steps. One that goes back by less than a minute is waited for; by
/// more, all groups are linked again, in one step.
/// </para>
/// <para>Thread-safe, except <see cref="Free"/>.</para>
/// </remarks>
internal sealed partial class ExpiryWheel(CacheMemory memory)
{
    /// <summary>Entries for which there is a group.</summary>
    public const int EntriesPerGroup = 64;

    /// <summary>The most groups.</summary>
    public const uint MaxGroups = 1u << 26;

    // How far the clock goes back before all groups are linked again: a minute.
    private const uint Patience = 60 * CacheClock.TicksPerSecond;

    // Moves of groups in one step, under the lock.
    private const int StepMoves = 256;

    private readonly Lock _lock = new();
    private Segments<uint> _deadlines;
    private Segments<Links> _links;
    private volatile uint _groups;
    private uint _now;
    private long _fits = EntriesPerGroup * (long)Segments<uint>.First;

    /// <summary>Groups there are, a power of two; 0 before the first deadline.</summary>
    public uint Groups => _groups;

    /// <summary>Bytes taken.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return SlotBytes + _deadlines.Bytes + _links.Bytes;
        }
    }

    /// <summary>Notes an entry's deadline. The caller holds the lock under which it has written the entry.</summary>
    /// <returns>False if there is no memory for the wheel: the entry expires only when it is accessed.</returns>
    public bool Note(uint hash, uint deadline)
    {
        if (deadline == CacheClock.Never)
            return true;
        // 0 marks a closed group.
        deadline = Math.Max(deadline, 1);
        uint groups = _groups;
        if (groups != 0)
        {
            uint earliest = Volatile.Read(ref _deadlines[hash & (groups - 1)]);
            // If the number of groups has changed since, the deadline may have been that of another group.
            if (earliest - 1 < deadline && groups == _groups)
                return true;
        }
        lock (_lock)
        {
            if (_groups == 0 && !TryMake())
                return false;
            uint group = hash & (_groups - 1);
            Open(group);
            Lower(group, deadline);
            return true;
        }
    }

    /// <summary>Notes the earliest deadline of the entries that stay after a visit.</summary>
    public void Note(GroupRange range, uint deadline)
    {
        deadline = Math.Max(deadline, 1);
        lock (_lock)
        {
            // The range may have been divided since.
            for (ulong group = range.Value; group < _groups; group += (ulong)range.Mask + 1)
            {
                if (_deadlines[(uint)group] != 0)
                    Lower((uint)group, deadline);
            }
        }
    }

    /// <summary>Takes a group whose deadline has passed.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryTakeDue(uint now, out GroupRange range)
    {
        range = default;
        if (_groups == 0)
            return false;
        while (true)
        {
            lock (_lock)
            {
                if (now < _now && !TryGoBack(now))
                    return false;
                if (First(Due, out uint group))
                {
                    range = Take(group);
                    return true;
                }
                for (int i = 0; i < StepMoves && First(Pending, out group); i++)
                {
                    Unlink(group);
                    Link(group);
                }
                if (IsEmpty(Pending) && IsEmpty(Due) && !TryAdvance(now))
                    return false;
            }
        }
    }

    /// <summary>Adds groups if there are more than 64 entries to one. Cheap if there are not.</summary>
    /// <returns>False if there is no memory for more groups; visits then are longer.</returns>
    public bool Fit(long entries)
    {
        if (entries <= Volatile.Read(ref _fits) || _groups == 0)
            return true;
        lock (_lock)
        {
            while (_groups < MaxGroups && entries > EntriesPerGroup * (long)_groups)
            {
                if (!TryDouble())
                {
                    // Not to be tried again at each call.
                    Volatile.Write(ref _fits, entries + entries / 8);
                    return false;
                }
            }
            Volatile.Write(ref _fits, _groups == MaxGroups ? long.MaxValue : EntriesPerGroup * (long)_groups);
            return true;
        }
    }

    /// <summary>Gives all memory back. No other call runs or follows.</summary>
    public void Free()
    {
        _groups = 0;
        _deadlines.Free(memory);
        _links.Free(memory);
        FreeSlots();
    }

    private bool TryMake()
    {
        if (!TryMakeSlots())
            return false;
        if (!TryGrowTables())
        {
            FreeSlots();
            return false;
        }
        for (uint group = 0; group < _deadlines.Capacity; group++)
            _deadlines[group] = CacheClock.Never;
        _groups = (uint)_deadlines.Capacity;
        return true;
    }

    private bool TryDouble()
    {
        if (!TryGrowTables())
            return false;
        _groups *= 2;
        return true;
    }

    // The deadlines may have grown before the links were refused.
    private bool TryGrowTables()
    {
        if (_deadlines.Capacity == _links.Capacity && !_deadlines.TryGrow(memory))
            return false;
        return _links.TryGrow(memory);
    }

    // Gives a closed group the deadline that another one has kept for it.
    private void Open(uint group)
    {
        if (_deadlines[group] != 0)
            return;
        uint keeper = group;
        while (_deadlines[keeper] == 0)
            keeper ^= 1u << BitOperations.Log2(keeper);
        Begin(group, _deadlines[keeper]);
    }

    private GroupRange Take(uint group)
    {
        // The closed groups whose deadline this one keeps are due too. Each keeps that of others with one more bit above its own.
        uint deadline = _deadlines[group];
        uint bit = group < Segments<uint>.First ? Segments<uint>.First : 2u << BitOperations.Log2(group);
        for (; bit < _groups; bit *= 2)
        {
            if (_deadlines[group | bit] == 0)
                Begin(group | bit, deadline);
        }
        Unlink(group);
        Volatile.Write(ref _deadlines[group], CacheClock.Never);
        return new GroupRange(_groups - 1, group);
    }

    private void Lower(uint group, uint deadline)
    {
        uint earliest = _deadlines[group];
        if (earliest <= deadline)
            return;
        if (earliest != CacheClock.Never)
            Unlink(group);
        Begin(group, deadline);
    }

    private void Begin(uint group, uint deadline)
    {
        Volatile.Write(ref _deadlines[group], deadline);
        if (deadline != CacheClock.Never)
            Link(group);
    }
}
