using System.Numerics;

namespace PageFold.Caching.Index;

/// <summary>A hash's two buckets, held alone: proposes the entries that may have a key, and changes them. The caller disposes.</summary>
/// <remarks>
/// <para>The holder must neither lock another hash nor take the lock of eviction.</para>
/// <para>Removing and inserting move other entries, so places found before are void.</para>
/// </remarks>
internal unsafe ref struct ExclusiveKey<THashes>
    where THashes : struct, IEntryHashes
{
    private readonly BucketTable<THashes> _table;
    private readonly uint _hash;
    private readonly byte _print;
    private readonly BucketPair _pair;
    private readonly BucketLine* _lower;
    private readonly BucketLine* _higher;
    private BucketLine* _line;
    private bool _inHigher;
    private uint _candidates;

    internal ExclusiveKey(BucketTable<THashes> table, uint hash)
    {
        _table = table;
        _hash = hash;
        _print = BucketArray.PrintOf(hash);
        table.Buckets.LockExclusive(hash, out _pair, out _lower, out _higher);
        Restart();
    }

    /// <summary>Begins the search again.</summary>
    public void Restart()
    {
        _line = _lower;
        _inHigher = false;
        _candidates = BucketLine.Match(_line, _print);
    }

    /// <summary>Finds the next entry that may have the key.</summary>
    public bool TryNext(out EntryPlace place, out ulong location)
    {
        while (_candidates == 0)
        {
            if (!TryAdvance())
            {
                place = default;
                location = 0;
                return false;
            }
        }
        int slot = BitOperations.TrailingZeroCount(_candidates);
        _candidates &= _candidates - 1;
        place = new EntryPlace(_line, slot);
        location = place.Location;
        return true;
    }

    /// <summary>Finds the entry at a location; false if it is not, or no longer, this hash's.</summary>
    public bool TryFind(ulong location, out EntryPlace place)
    {
        Restart();
        while (TryNext(out place, out ulong candidate))
        {
            if (candidate == location)
                return true;
        }
        return false;
    }

    /// <summary>Finds an entry of the small part that has exactly this hash.</summary>
    public bool TryFindSmall(out EntryPlace place, out ulong location)
    {
        Restart();
        while (TryNext(out place, out location))
        {
            if (!place.State.IsMain && _table.HashAt(location) == _hash)
                return true;
        }
        return false;
    }

    /// <summary>Finds, of all entries in the two buckets, one that was hit the least; false if eviction leaves all of them alone.</summary>
    public readonly bool TryFindColdest(out EntryPlace place)
    {
        place = default;
        int least = int.MaxValue;
        FindColdest(_lower, ref place, ref least);
        if (_higher != _lower)
            FindColdest(_higher, ref place, ref least);
        return least != int.MaxValue;
    }

    /// <summary>
    /// Adds an entry with this hash; false when there is no memory, or dozens of entries share its buckets. Then nothing has changed.
    /// </summary>
    public readonly bool TryInsert(ulong location, EntryState state) =>
        _table.TryInsert(_pair, _lower, _higher, new BucketLine.SlotContent(location, state, _print));

    /// <summary>Removes an entry.</summary>
    public readonly void Remove(EntryPlace place) => _table.Remove(_lower, _higher, place);

    /// <summary>Lets the buckets go.</summary>
    public readonly void Dispose() => BucketArray.ReleaseExclusive(_lower, _higher);

    private readonly void FindColdest(BucketLine* bucket, ref EntryPlace coldest, ref int least)
    {
        for (BucketLine* line = bucket; line is not null; line = _table.Buckets.Next(line))
        {
            for (uint live = BucketLine.LiveMask(line); live != 0; live &= live - 1)
            {
                EntryPlace place = new(line, BitOperations.TrailingZeroCount(live));
                EntryState state = place.State;
                if (!state.IsPinned && state.Frequency < least)
                    (coldest, least) = (place, state.Frequency);
            }
        }
    }

    private bool TryAdvance()
    {
        BucketLine* next = _table.Buckets.Next(_line);
        if (next is null)
        {
            if (_inHigher || _higher == _lower)
                return false;
            _inHigher = true;
            next = _higher;
        }
        _line = next;
        _candidates = BucketLine.Match(_line, _print);
        return true;
    }
}
