using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

/// <summary>
/// Threads change, find, move and count entries while the table grows and shrinks. Locations tell their key, so a wrong one is found.
/// </summary>
public class BucketTableConcurrencyTests
{
    private const int Workers = 3;
    private const uint Stable = 500;
    private const uint Shared = 200;
    private const uint Own = 3000;
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_INDEX_ROUNDS") ?? "12");

    [Theory]
    [InlineData(int.MaxValue, 0)]
    [InlineData(int.MaxValue, 0.3)]
    [InlineData(0x7FF, 0)]
    public async Task Threads_find_what_they_put_while_entries_move_and_the_table_grows_and_shrinks(uint mask, double refusals)
    {
        using PlannedMemory memory = new();
        TestHashes hashes = new(mask);
        using BucketTable<TestHashes> table = BucketTable<TestHashes>.TryCreate(memory, hashes)!;
        for (uint key = 0; key < Stable; key++)
            Assert.True(TrySet(table, hashes, key, TestEntries.Location(key, 0)));
        Random plan = new(1);
        memory.Refuses = refusals == 0 ? null : () => plan.NextDouble() < refusals;

        using CancellationTokenSource end = new();
        int moves = 0;
        Task[] background =
        [
            Content.OnItsOwnThread(() => moves = Compact(table, hashes, end.Token)),
            Content.OnItsOwnThread(() => Resize(table, end.Token)),
            Content.OnItsOwnThread(() => Walk(table, hashes, end.Token)),
        ];
        int resized = 0;
        Task[] workers =
        [
            .. Enumerable.Range(0, Workers).Select(worker => Content.OnItsOwnThread(() => Work(table, hashes, worker, ref resized))),
        ];
        try
        {
            await Task.WhenAll(workers);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(background);
        }

        Assert.True(moves > 0);
        Assert.True(memory.Freed > 0, "the table did not shrink");
        for (uint key = 0; key < Stable + Shared; key++)
            Remove(table, hashes, key);
        Assert.Equal(0, table.Count);
        while (table.Tighten(100))
        {
        }
        Assert.Equal(BucketArray.MinCount, table.Buckets.Count);
        Assert.Equal(0, table.Buckets.Further.Lines);
        Assert.True(resized > 0, "the table did not grow");
        table.Dispose();
        memory.AssertAllGivenBack();
    }

    /// <summary>Fills the table with the worker's keys and empties it, again and again, and looks for all kinds of keys.</summary>
    private static void Work(BucketTable<TestHashes> table, TestHashes hashes, int worker, ref int resized)
    {
        Random random = new(worker);
        uint first = Stable + Shared + (uint)worker * Own;
        HashSet<uint> present = [];
        for (int round = 0; round < Rounds; round++)
        {
            for (uint key = first; key < first + Own; key++)
            {
                if (TrySet(table, hashes, key, TestEntries.Location(key, round)))
                    present.Add(key);
                table.TryGrowIfNeeded();
                Check(first + (uint)random.NextInt64(Own));
            }
            if (table.Buckets.Count > BucketArray.MinCount)
                Interlocked.Increment(ref resized);
            for (uint key = first; key < first + Own; key++)
            {
                Assert.Equal(present.Remove(key), Remove(table, hashes, key));
                Check(first + (uint)random.NextInt64(Own));
            }
        }

        void Check(uint own)
        {
            Assert.Equal(present.Contains(own), Has(table, hashes, own));
            Assert.True(Has(table, hashes, (uint)random.NextInt64(Stable)));
            uint shared = Stable + (uint)random.NextInt64(Shared);
            switch (random.Next(4))
            {
                case 0:
                    TrySet(table, hashes, shared, TestEntries.Location(shared, random.Next()));
                    break;
                case 1:
                    Remove(table, hashes, shared);
                    break;
                default:
                    Has(table, hashes, shared);
                    break;
            }
        }
    }

    /// <summary>Moves entries as compaction does: it knows a location and the hash there, and never waits.</summary>
    private static int Compact(BucketTable<TestHashes> table, TestHashes hashes, CancellationToken end)
    {
        int moves = 0;
        while (!end.IsCancellationRequested)
        {
            // Walks keep the table from shrinking, so each is good for several rounds.
            ulong[] locations = [.. Seen.All(table, hashes).Entries.Keys];
            for (int round = 0; round < 8; round++)
            {
                for (int i = 0; i < locations.Length; i++)
                {
                    if (!table.TryBeginMove(hashes.HashAt(locations[i]), locations[i], out EntryMove move))
                        continue;
                    locations[i] = TestEntries.Moved(locations[i]);
                    move.End(locations[i]);
                    moves++;
                }
            }
        }
        return moves;
    }

    private static void Resize(BucketTable<TestHashes> table, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            table.Tighten(8);
            table.TryGrowIfNeeded();
            Thread.Yield();
        }
    }

    private static void Walk(BucketTable<TestHashes> table, TestHashes hashes, CancellationToken end)
    {
        SweepPosition hand = default;
        while (!end.IsCancellationRequested)
        {
            HashSet<uint> keys = [.. Seen.All(table, hashes).Entries.Keys.Select(TestEntries.KeyAt)];
            for (uint key = 0; key < Stable; key++)
                Assert.Contains(key, keys);
            Hand visitor = default;
            table.Sweep(ref hand, 50, ref visitor);
            Assert.Equal(0, visitor.SmallOnes);
            Thread.Sleep(5);
        }
    }

    private static bool Has(BucketTable<TestHashes> table, TestHashes hashes, uint key)
    {
        SharedKey held = table.LockShared(hashes.Of(key));
        bool found = held.TryFind(key, out EntryPlace place, out ulong location);
        ulong later = location;
        if (found)
        {
            place.Touch();
            Thread.SpinWait(5);
            later = place.Location;
        }
        held.Dispose();
        Assert.Equal(location, later);
        return found;
    }

    private static bool TrySet(BucketTable<TestHashes> table, TestHashes hashes, uint key, ulong location)
    {
        ExclusiveKey<TestHashes> held = table.LockExclusive(hashes.Of(key));
        bool set = true;
        if (held.TryFind(key, out EntryPlace place, out _))
            place.SetLocation(location);
        else
            set = held.TryInsert(location, new EntryState((int)key & 3, (key & 1) == 0));
        held.Dispose();
        return set;
    }

    private static bool Remove(BucketTable<TestHashes> table, TestHashes hashes, uint key)
    {
        ExclusiveKey<TestHashes> held = table.LockExclusive(hashes.Of(key));
        bool found = held.TryFind(key, out EntryPlace place, out _);
        if (found)
            held.Remove(place);
        bool twice = held.TryFind(key, out _, out _);
        held.Dispose();
        Assert.False(twice);
        return found;
    }

    private struct Hand : ISweepVisitor
    {
        public int SmallOnes { get; private set; }

        public bool Visit(ulong location, ref EntryState state)
        {
            SmallOnes += (int)TestEntries.KeyAt(location) & 1;
            state = state.WithFrequency(Math.Max(0, state.Frequency - 1));
            return true;
        }
    }
}
