using System.Numerics;

namespace PageFold.Caching.Index;

/// <summary>Recognises an entry by more than its location.</summary>
internal interface IEntryMatch
{
    /// <summary>True of the entry that is looked for, among those whose print is that of the hash; asked while it is held alone.</summary>
    public bool Matches(ulong location);
}

/// <content>Entries of which compaction moves a piece.</content>
internal sealed unsafe partial class BucketTable<THashes>
{
    /// <summary>Holds the entry of a hash that matches, so that a part of it can move; never waits. False as for a location.</summary>
    public bool TryBeginMove<TMatch>(uint hash, ref TMatch match, out EntryMove move)
        where TMatch : struct, IEntryMatch
    {
        BucketPair pair = BucketArray.PairOf(hash, Buckets.Count);
        return TryBeginMove(hash, pair.Lower, ref match, out move)
            || pair.Higher != pair.Lower && TryBeginMove(hash, pair.Higher, ref match, out move);
    }

    private bool TryBeginMove<TMatch>(uint hash, uint bucket, ref TMatch match, out EntryMove move)
        where TMatch : struct, IEntryMatch
    {
        move = default;
        BucketLine* first = Buckets.TryLockExclusive(hash, bucket);
        if (first is null)
            return false;
        byte print = BucketArray.PrintOf(hash);
        for (BucketLine* line = first; line is not null; line = Buckets.Next(line))
        {
            for (uint candidates = BucketLine.Match(line, print); candidates != 0; candidates &= candidates - 1)
            {
                int slot = BitOperations.TrailingZeroCount(candidates);
                ulong location = BucketLine.Location(line, slot);
                if (!match.Matches(location))
                    continue;
                move = new EntryMove(first, new EntryPlace(line, slot));
                return true;
            }
        }
        BucketLock.ReleaseExclusive(first);
        return false;
    }
}
