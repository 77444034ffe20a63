using PageFold.Caching.Eviction;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>The eviction as a whole, on recorded and on made-up requests.</summary>
public sealed class EvictorTests
{
    private const ulong Seed = 20261130;

    [Theory]
    [InlineData("lirs-2_pools.trace.gz", 2, 49.7)]
    [InlineData("lirs-2_pools.trace.gz", 10, 53.8)]
    [InlineData("lirs-2_pools.trace.gz", 30, 63.3)]
    [InlineData("lirs-gli.trace.gz", 10, 15.4)]
    [InlineData("lirs-gli.trace.gz", 30, 40.8)]
    [InlineData("lirs-loop.trace.gz", 10, 8.8)]
    [InlineData("lirs-loop.trace.gz", 30, 28.5)]
    [InlineData("lirs-multi3.trace.gz", 2, 28.0)]
    [InlineData("lirs-multi3.trace.gz", 30, 61.3)]
    [InlineData("lirs-sprite.trace.gz", 2, 38.9)]
    [InlineData("lirs-sprite.trace.gz", 30, 92.4)]
    public void The_hit_ratio_of_a_recorded_trace_is_at_least_that_of_the_best_known_policies(string trace, int percent, double floor)
    {
        long[] keys = Traces.Load(trace);
        int capacity = keys.Distinct().Count() * percent / 100;
        using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxEntries = capacity, Seed = Seed });
        Assert.InRange(HitRatio(cache, keys), floor, 100);
        Assert.Equal(capacity, cache.Count);
    }

    [Fact]
    public void An_entry_that_is_not_told_of_yet_is_waited_for_before_one_of_the_main_part_goes()
    {
        const int Capacity = 20;
        CountedMemory memory = new();
        using SimulatedCache cache = new(memory, new EvictorOptions { MaxEntries = Capacity, Seed = Seed });
        for (long key = 0; key < 3 * Capacity; key++)
            cache.Request(SimulatedCache.Hash(key, Seed));
        // A queue that knows nothing: all of the small part was published and not told of.
        using FrequencySketch sketch = FrequencySketch.TryCreate(memory, Seed, additionsPerEntry: 8)!;
        using GhostTable ghost = GhostTable.TryCreate(memory, Seed)!;
        using HashQueue queue = new(memory);
        SimulatedCache.Face residents = new(cache);
        EvictionPolicy<SimulatedCache.Face> policy = new(
            residents, new(sketch, WritesSketch: true, ghost, queue), EvictionSettings.ForEntries[0], EvictionObjective.Bytes)
        {
            MaxEntries = Capacity,
        };
        long main = residents.MainEntries;
        Assert.True(residents.SmallEntries > 0);
        Assert.False(policy.TryEvict(incomingBytes: 1, waits: true));
        Assert.Equal(main, residents.MainEntries);
        // The thread that published it may not come for long.
        Assert.True(policy.TryEvict(incomingBytes: 1, waits: false));
        Assert.Equal(main - 1, residents.MainEntries);
    }

    [Theory]
    [InlineData("lirs-2_pools.trace.gz", 10, 53.0)]
    [InlineData("lirs-sprite.trace.gz", 10, 84.0)]
    public void A_limit_in_bytes_keeps_the_hit_ratio_of_a_limit_in_entries(string trace, int percent, double floor)
    {
        long[] keys = Traces.Load(trace);
        int capacity = keys.Distinct().Count() * percent / 100;
        using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxBytes = capacity * 100L, Seed = Seed });
        Assert.InRange(HitRatio(cache, keys, bytes: 100), floor, 100);
        Assert.InRange(cache.Bytes, 0, capacity * 100L);
    }

    [Theory]
    [InlineData(false, 5, 36.0)]
    [InlineData(false, 10, 37.4)]
    [InlineData(true, 5, 39.0)]
    public void Where_sizes_differ_the_hit_ratio_is_above_that_of_the_best_known_policies(bool objects, int percent, double floor)
    {
        const int Seeds = 3;
        const long LargestShare = 4;
        (long Key, int Size)[] requests = Traces.LoadSized("adapt_size-request.trace.xz");
        long capacity = requests.DistinctBy(request => request.Key).Sum(request => (long)request.Size) * percent / 100;
        double hits = 0, all = 0;
        for (ulong seed = Seed; seed < Seed + Seeds; seed++)
        {
            EvictionObjective objective = objects ? EvictionObjective.Objects : EvictionObjective.Bytes;
            using SimulatedCache cache = new(new CountedMemory(), new() { MaxBytes = capacity, Objective = objective, Seed = seed });
            foreach ((long key, int size) in requests)
            {
                bool hit = cache.Request(SimulatedCache.Hash(key, seed), size, capacity / LargestShare);
                int worth = objects ? 1 : size;
                hits += hit ? worth : 0;
                all += worth;
            }
            Assert.InRange(cache.Bytes, 0, capacity);
        }
        Assert.InRange(100 * hits / all, floor, 100);
    }

    [Fact]
    public void A_loop_makes_the_duel_choose_another_setting()
    {
        using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxEntries = 2000, Seed = Seed });
        for (int i = 0; i < 400_000; i++)
            cache.Request(Key(i % 2400));
        Assert.True(cache.Evictor.GetFigures().Switches > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_limits_hold_and_the_counts_add_up_whatever_happens(bool objects)
    {
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 20_000], Gen.Int[0, 1_000_000]).Sample((entries, bytes, seed) =>
        {
            CountedMemory memory = new();
            EvictorOptions options = new()
            {
                MaxEntries = entries,
                MaxBytes = bytes,
                Seed = (ulong)seed,
                Objective = objects ? EvictionObjective.Objects : EvictionObjective.Bytes,
            };
            Random random = new(seed);
            SimulatedCache cache = new(memory, options);
            for (int i = 0; i < 1500; i++)
            {
                uint key = Key(random.Next(random.Next(1, 400)));
                if (random.Next(8) == 0)
                    cache.Remove(key);
                else
                    cache.Request(key, random.Next(1, 1000), bytes / 4);
                Assert.InRange(cache.Count, 0, entries);
                Assert.InRange(cache.Bytes, 0, bytes);
            }
            cache.AssertCounts();
            while (cache.Count > 0)
                Assert.True(cache.Evictor.TryEvict(0));
            cache.Dispose();
            Assert.Equal(0, memory.Held);
        }, iter: 60);
    }

    [Fact]
    public void Removed_entries_do_not_make_the_queue_grow()
    {
        using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxEntries = 10_000, Seed = Seed });
        for (int i = 0; i < 500_000; i++)
        {
            cache.Set(Key(i), 1);
            if (i >= 500)
                cache.Remove(Key(i - 500));
            Assert.InRange(cache.Evictor.GetFigures().QueuedHashes, 0, 5000);
        }
    }

    [Fact]
    public void Removals_and_expiry_keep_the_hit_ratio_near()
    {
        double Measure(int removeEvery)
        {
            using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxEntries = 1000, Seed = Seed });
            Random random = new(1);
            int hits = 0;
            for (int i = 0; i < 300_000; i++)
            {
                if (cache.Request(Key(Skewed(random, 20_000))))
                    hits++;
                if (removeEvery > 0 && i % removeEvery == 0)
                    cache.Remove(Key(Skewed(random, 20_000)));
            }
            return hits / 3000.0;
        }

        Assert.InRange(Measure(removeEvery: 20), Measure(removeEvery: 0) - 4, 100);
    }

    [Fact]
    public void Resizing_down_and_up_again_gives_the_hit_ratio_of_each_size()
    {
        double Run(SimulatedCache cache, int seed)
        {
            Random random = new(seed);
            int hits = 0;
            for (int i = 0; i < 100_000; i++)
                hits += cache.Request(Key(Skewed(random, 20_000))) && i >= 50_000 ? 1 : 0;
            return hits / 500.0;
        }

        using SimulatedCache large = new(new CountedMemory(), new EvictorOptions { MaxEntries = 4000, Seed = Seed });
        using SimulatedCache small = new(new CountedMemory(), new EvictorOptions { MaxEntries = 500, Seed = Seed });
        using SimulatedCache resized = new(new CountedMemory(), new EvictorOptions { MaxEntries = 4000, Seed = Seed });
        double largeRatio = Run(large, 1), smallRatio = Run(small, 2);
        Run(resized, 1);
        resized.Evictor.Resize(500, 0);
        Assert.InRange(Run(resized, 2), smallRatio - 1.5, 100);
        Assert.InRange(resized.Count, 0, 500);
        resized.Evictor.Resize(4000, 0);
        Assert.InRange(Run(resized, 1), largeRatio - 1.5, 100);
    }

    [Fact]
    public void Tables_take_five_bytes_an_entry_and_32_KiB()
    {
        using SimulatedCache cache = new(new CountedMemory(), new EvictorOptions { MaxEntries = 200_000, Seed = Seed });
        for (int i = 0; i < 500_000; i++)
            cache.Request(Key(i % 300_000));
        Assert.InRange(cache.Evictor.GetFigures().HeldBytes, 200_000, (5 * 200_000) + (32 << 10));
    }

    [Fact]
    public void Refused_memory_leaves_the_eviction_at_work()
    {
        CountedMemory memory = new();
        using SimulatedCache cache = new(memory, new EvictorOptions { MaxEntries = 20_000, Seed = Seed });
        memory.Limit = memory.Held;
        for (int i = 0; i < 100_000; i++)
            cache.Request(Key(i % 30_000));
        Assert.Equal(20_000, cache.Count);
        Assert.True(memory.Held <= memory.Limit);
    }

    [Fact]
    public void Without_room_for_the_least_tables_there_is_no_eviction()
    {
        CountedMemory memory = new() { Limit = 20_000 };
        Assert.Throws<InvalidOperationException>(() => new SimulatedCache(memory, new EvictorOptions { MaxEntries = 10, Seed = Seed }));
        Assert.Equal(0, memory.Held);
    }

    private static uint Key(long key) => SimulatedCache.Hash(key, Seed);

    private static int Skewed(Random random, int keys) => (int)(Math.Pow(random.NextDouble(), 4) * keys);

    private static double HitRatio(SimulatedCache cache, long[] keys, int bytes = 1) =>
        100.0 * keys.Count(key => cache.Request(Key(key), bytes)) / keys.Length;
}
