using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

[Collection(Alone.Name)]
public class BucketTableTests
{
    private static readonly TestHashes Hashes = TestHashes.Default;

    [Fact]
    public void An_entry_costs_at_most_eight_bytes_from_ten_thousand_on()
    {
        using PlannedMemory memory = new() { IsForgetful = true };
        using BucketTable<TestHashes> table = Filled(memory, 10_000);
        for (uint key = 10_000; key < 1_000_000; key++)
        {
            Assert.True(memory.Bytes <= 8 * table.Count, $"{memory.Bytes} bytes at {table.Count} entries");
            Insert(table, key);
        }
        Assert.Equal(memory.Bytes, table.Bytes);
    }

    [Fact]
    public void An_entry_costs_at_most_eight_bytes_after_entries_came_and_went()
    {
        const uint Live = 50_000;
        using PlannedMemory memory = new() { IsForgetful = true };
        using BucketTable<TestHashes> table = Filled(memory, Live);
        Random random = new(1);
        List<uint> keys = [.. Enumerable.Range(0, (int)Live).Select(key => (uint)key)];
        for (uint key = Live; key < 8 * Live; key++)
        {
            int victim = random.Next(keys.Count);
            Remove(table, keys[victim]);
            keys[victim] = key;
            Insert(table, key);
            Assert.True(memory.Bytes <= 8 * table.Count, $"{memory.Bytes} bytes, {table.Buckets.Further.Lines} further lines");
        }
    }

    [Fact]
    public void Memory_comes_back_when_entries_go()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = Filled(memory, 100_000);
        for (uint key = 0; key < 100_000; key++)
        {
            Remove(table, key);
            table.Tighten(1);
            long count = table.Count;
            if (count is > 10_000 and < 80_000)
                Assert.True(memory.Bytes <= 10 * count, $"{memory.Bytes} bytes at {count} entries");
        }
        while (table.Tighten(10))
        {
        }
        Assert.Equal(BucketArray.MinCount, table.Buckets.Count);
        Assert.True(memory.Bytes < 5 << 10, $"{memory.Bytes} bytes");
    }

    [Fact]
    public void A_sweep_sees_each_main_entry_once_a_round_wherever_it_stops() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            using PlannedMemory memory = new();
            uint mask = random.Next(2) == 0 ? int.MaxValue : 0x3FFu;
            using BucketTable<TestHashes> table = Filled(memory, (uint)random.Next(1, 4000), mask);
            Dictionary<uint, int> seen = [];
            SweepPosition hand = default;
            Stopping visitor = new(seen, random);
            // Two rounds; the hand begins again by itself.
            for (int round = 0; round < 2; round++)
            {
                do
                    table.Sweep(ref hand, 1, ref visitor);
                while (hand.Bucket < table.Buckets.Count);
            }
            Assert.Equal((table.Count + 1) / 2, seen.Count);
            Assert.All(seen, pair => Assert.Equal((0u, 2), (pair.Key & 1, pair.Value)));
        },
        iter: 20,
        threads: 1);

    [Fact]
    public void What_a_sweep_writes_stays()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = Filled(memory, 1000);
        SweepPosition hand = default;
        Demoting visitor = default;
        Assert.False(table.Sweep(ref hand, table.Buckets.Count, ref visitor));
        Dictionary<ulong, EntryState> seen = Seen.All(table, Hashes).Entries;
        Assert.Equal(1000, seen.Count);
        Assert.All(seen, pair => Assert.Equal(
            new EntryState((TestEntries.KeyAt(pair.Key) & 1) == 0 ? 2 : 3, isMain: false), pair.Value));
    }

    [Fact]
    public void A_walk_sees_all_that_is_there_throughout_however_the_table_grows() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            using PlannedMemory memory = new();
            uint stable = (uint)random.Next(500, 4000);
            using BucketTable<TestHashes> table = Filled(memory, stable);
            HashSet<uint> others = [];
            Seen seen = new(Hashes);
            Seen.Visitor visitor = new(seen);
            using EntryWalk<TestHashes> walk = table.Walk();
            while (walk.TryNext(ref visitor))
            {
                for (int i = random.Next(14); i > 0; i--)
                {
                    uint key = stable + (uint)random.Next(100_000);
                    if (others.Add(key))
                        Insert(table, key);
                    else if (others.Remove(key))
                        Remove(table, key);
                }
                Assert.False(table.Tighten(2) && table.Tighten(2));
            }
            HashSet<uint> keys = [.. seen.Entries.Keys.Select(TestEntries.KeyAt)];
            for (uint key = 0; key < stable; key++)
                Assert.Contains(key, keys);
        },
        iter: 20,
        threads: 1);

    [Fact]
    public void Compaction_does_not_wait_for_a_holder()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = Filled(memory, 1000);
        for (uint key = 0; key < 1000; key++)
        {
            ulong location = TestEntries.Location(key, 0);
            SharedKey reader = table.LockShared(Hashes.Of(key));
            Assert.True(reader.TryFind(key, out _, out _));
            Assert.False(table.TryBeginMove(Hashes.Of(key), location, out _));
            reader.Dispose();
            ExclusiveKey<TestHashes> writer = table.LockExclusive(Hashes.Of(key));
            Assert.False(table.TryBeginMove(Hashes.Of(key), location, out _));
            writer.Dispose();
            Assert.False(table.TryBeginMove(Hashes.Of(key), TestEntries.Moved(location), out _));
            Assert.True(table.TryBeginMove(Hashes.Of(key), location, out EntryMove move));
            move.End(location);
        }
    }

    [Fact]
    public void Nothing_is_allocated_on_the_managed_heap()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = Filled(memory, 10_000);
        SweepPosition hand = default;
        long allocated = Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            for (uint key = 0; key < 1000; key++)
            {
                Remove(table, key);
                Insert(table, key);
                SharedKey reader = table.LockShared(Hashes.Of(key + 5000));
                if (reader.TryFind(key + 5000, out EntryPlace place, out _))
                    place.Touch();
                reader.Dispose();
                if (table.TryBeginMove(Hashes.Of(key), TestEntries.Location(key, 0), out EntryMove move))
                    move.End(TestEntries.Location(key, 0));
                table.Tighten(1);
            }
            Demoting visitor = default;
            table.Sweep(ref hand, 100, ref visitor);
        });
        Assert.Equal(0, allocated);
    }

    private static BucketTable<TestHashes> Filled(PlannedMemory memory, uint keys, uint mask = int.MaxValue)
    {
        BucketTable<TestHashes> table = BucketTable<TestHashes>.TryCreate(memory, new TestHashes(mask))!;
        for (uint key = 0; key < keys; key++)
            Insert(table, key, mask);
        return table;
    }

    /// <summary>Adds a key; the even ones to the main part.</summary>
    private static void Insert(BucketTable<TestHashes> table, uint key, uint mask = int.MaxValue)
    {
        ExclusiveKey<TestHashes> held = table.LockExclusive(new TestHashes(mask).Of(key));
        Assert.True(held.TryInsert(TestEntries.Location(key, 0), new EntryState(3, (key & 1) == 0)));
        held.Dispose();
        Assert.True(table.TryGrowIfNeeded());
    }

    private static void Remove(BucketTable<TestHashes> table, uint key)
    {
        ExclusiveKey<TestHashes> held = table.LockExclusive(Hashes.Of(key));
        Assert.True(held.TryFind(key, out EntryPlace place, out _));
        held.Remove(place);
        held.Dispose();
    }

    /// <summary>Counts how often it sees each key, and ends the sweep now and then.</summary>
    private readonly struct Stopping(Dictionary<uint, int> seen, Random random) : ISweepVisitor
    {
        public bool Visit(ulong location, ref EntryState state)
        {
            uint key = TestEntries.KeyAt(location);
            seen[key] = seen.GetValueOrDefault(key) + 1;
            return random.Next(3) > 0;
        }
    }

    private readonly struct Demoting : ISweepVisitor
    {
        public bool Visit(ulong location, ref EntryState state)
        {
            state = state.WithMain(false).WithFrequency(state.Frequency - 1);
            return true;
        }
    }
}
