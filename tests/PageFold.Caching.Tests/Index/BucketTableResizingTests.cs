using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

/// <summary>What happens to a thread that found its buckets before the table changed.</summary>
public class BucketTableResizingTests
{
    private static readonly TestHashes Hashes = TestHashes.Default;

    [Fact]
    public async Task A_reader_that_waited_while_its_bucket_was_divided_looks_again()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = BucketTable<TestHashes>.TryCreate(memory, Hashes)!;
        uint keys = 0;
        for (int round = 0; round < 60; round++)
        {
            for (; table.Count <= 9 * table.Buckets.Count; keys++)
                Insert(table, keys);
            uint count = table.Buckets.Count;
            uint divided = BucketArray.DividedAt(count);
            // A key that leaves the bucket: it is found in the new one only.
            uint moving = Enumerable.Range(0, (int)keys).Select(key => (uint)key).FirstOrDefault(
                key => BucketArray.PairOf(Hashes.Of(key), count).Has(divided)
                    && !BucketArray.PairOf(Hashes.Of(key), count + 1).Has(divided));

            Task<bool> reader;
            Task grower;
            using CountdownEvent started = new(2);
            using (table.LockExclusive(Hashes.Of(moving)))
            {
                reader = Task.Factory.StartNew(
                    () => Has(started, table, moving), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                grower = Task.Factory.StartNew(
                    () => Grow(started, table), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                started.Wait();
                Thread.Sleep(round % 3);
            }
            Assert.True(await reader);
            await grower;
        }
    }

    [Fact]
    public async Task A_block_stays_while_a_thread_may_be_about_to_lock_a_line_of_it()
    {
        using PlannedMemory memory = new();
        using BucketTable<TestHashes> table = BucketTable<TestHashes>.TryCreate(memory, Hashes)!;
        for (uint key = 0; key < 5000; key++)
            Insert(table, key);
        for (uint key = 0; key < 5000; key++)
            Remove(table, key);
        long before = memory.Bytes - FurtherBytes;

        using ManualResetEventSlim isInside = new();
        using ManualResetEventSlim leave = new();
        Task inside = Content.OnItsOwnThread(() =>
        {
            LineGuard.Record record = LineGuard.Enter();
            isInside.Set();
            leave.Wait();
            LineGuard.Exit(record);
        });
        isInside.Wait();
        while (table.Tighten(100))
        {
        }
        Assert.Equal(BucketArray.MinCount, table.Buckets.Count);
        Assert.True(memory.Bytes >= before, "a block is gone");
        leave.Set();
        await inside;
        // Threads of other tests may be inside by chance.
        for (int i = 0; i < 10_000 && memory.Bytes >= 5 << 10; i++)
            table.Tighten(1);
        Assert.True(memory.Bytes < 5 << 10, $"{memory.Bytes} bytes are left");
    }

    // Further lines are safe without the guard, and may go.
    private const long FurtherBytes = 4 << 10;

    private static void Insert(BucketTable<TestHashes> table, uint key)
    {
        using (ExclusiveKey<TestHashes> held = table.LockExclusive(Hashes.Of(key)))
            Assert.True(held.TryInsert(TestEntries.Location(key, 0), default));
        if (table.Count > 9 * table.Buckets.Count + 1)
            Assert.True(table.TryGrowIfNeeded());
    }

    private static void Remove(BucketTable<TestHashes> table, uint key)
    {
        ExclusiveKey<TestHashes> held = table.LockExclusive(Hashes.Of(key));
        if (held.TryFind(key, out EntryPlace place, out _))
            held.Remove(place);
        held.Dispose();
    }

    private static bool Has(CountdownEvent started, BucketTable<TestHashes> table, uint key)
    {
        started.Signal();
        SharedKey held = table.LockShared(Hashes.Of(key));
        bool found = held.TryFind(key, out _, out _);
        held.Dispose();
        return found;
    }

    private static void Grow(CountdownEvent started, BucketTable<TestHashes> table)
    {
        started.Signal();
        table.TryGrowIfNeeded();
    }
}
