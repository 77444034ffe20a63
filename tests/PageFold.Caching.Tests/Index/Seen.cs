using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

/// <summary>What a walk saw. Asserts nothing itself, since it runs while a bucket is held.</summary>
internal sealed class Seen(TestHashes hashes)
{
    public Dictionary<ulong, EntryState> Entries { get; } = [];

    public int Visits { get; private set; }

    public int WrongHashes { get; private set; }

    /// <summary>Walks through all entries.</summary>
    public static Seen All(BucketTable<TestHashes> table, TestHashes hashes)
    {
        Seen seen = new(hashes);
        Visitor visitor = new(seen);
        using EntryWalk<TestHashes> walk = table.Walk();
        while (walk.TryNext(ref visitor))
        {
        }
        Assert.Equal(0, seen.WrongHashes);
        return seen;
    }

    internal readonly struct Visitor(Seen seen) : IEntryVisitor
    {
        public void Visit(ulong location, uint hash, EntryState state)
        {
            seen.Visits++;
            seen.Entries[location] = state;
            if (hash != seen.Hashes.HashAt(location))
                seen.WrongHashes++;
        }
    }

    private TestHashes Hashes { get; } = hashes;
}
