using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Caching.Index;

/// <summary>
/// A hash's buckets, held for reading: proposes the entries that may have a key. The caller compares keys and disposes.
/// </summary>
/// <remarks>
/// <para>
/// The lower bucket is locked at first, the higher only when the lower has no more candidates. A hit in the lower bucket is correct without
/// the higher: an entry is in one bucket at a time, moves between buckets only while both are held alone, and is removed or replaced only
/// while its bucket is held alone, so an entry that is found is the key's at every moment while its bucket is held. A miss is correct
/// because at its end both are held: no entry is in flight between them.
/// </para>
/// <para>
/// If the table divides the higher bucket before it is locked, the search begins again, and candidates may come twice. The holder must not
/// lock another hash.
/// </para>
/// </remarks>
internal unsafe ref struct SharedKey
{
    private readonly BucketArray _buckets;
    private readonly uint _hash;
    private readonly byte _print;
    private BucketPair _pair;
    private BucketLine* _lower;
    private BucketLine* _higher;
    private BucketLine* _line;
    private uint _candidates;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal SharedKey(BucketArray buckets, uint hash)
    {
        _buckets = buckets;
        _hash = hash;
        _print = BucketArray.PrintOf(hash);
        _line = _lower = buckets.LockLowerShared(hash, out _pair);
        _candidates = BucketLine.Match(_line, _print);
    }

    /// <summary>Finds the next entry that may have the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
        location = BucketLine.Location(_line, slot);
        return true;
    }

    /// <summary>Lets the buckets go.</summary>
    public void Dispose()
    {
        if (_higher is not null)
            BucketLock.ReleaseShared(_higher);
        if (_lower is not null)
            BucketLock.ReleaseShared(_lower);
        _higher = _lower = null;
    }

    private bool TryAdvance()
    {
        if (BucketLock.Further(_line) != 0)
        {
            _line = _buckets.Next(_line);
        }
        else if (_higher is not null || _pair.Lower == _pair.Higher)
        {
            return false;
        }
        else
        {
            _higher = _buckets.TryLockHigherShared(_hash, _pair, _lower);
            _line = _higher is not null ? _higher : _lower = _buckets.LockLowerShared(_hash, out _pair);
        }
        _candidates = BucketLine.Match(_line, _print);
        return true;
    }
}
