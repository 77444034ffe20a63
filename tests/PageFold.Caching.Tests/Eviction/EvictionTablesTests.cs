using PageFold.Caching.Eviction;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>The sketch, the ghost and the queue, each against a model.</summary>
public sealed class EvictionTablesTests
{
    [Fact]
    public void An_estimate_is_never_below_the_number_of_additions()
    {
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 2000]).Sample((seed, keys) =>
        {
            CountedMemory memory = new();
            using FrequencySketch sketch = FrequencySketch.TryCreate(memory, (ulong)seed, additionsPerEntry: 8)!;
            Random random = new(seed);
            Dictionary<uint, int> model = [];
            for (int i = 0; i < 4000; i++)
            {
                // The table grows and shrinks below it, and no halving is due.
                sketch.Adapt(random.Next(20_000), capacity: 100_000);
                uint key = (uint)random.Next(keys);
                sketch.Add(key);
                model[key] = model.GetValueOrDefault(key) + 1;
            }
            Assert.All(model, pair => Assert.True(sketch.Estimate(pair.Key) >= Math.Min(pair.Value, FrequencySketch.Saturation)));
        }, iter: 30);
    }

    [Fact]
    public void Halving_reaches_blocks_that_are_not_touched()
    {
        using FrequencySketch sketch = FrequencySketch.TryCreate(new CountedMemory(), 7, additionsPerEntry: 8)!;
        sketch.Adapt(1000, 1000);
        for (int i = 0; i < 12; i++)
            sketch.Add(1);
        Assert.Equal(12, sketch.Estimate(1));
        uint key = 2;
        while (sketch.Additions > 0)
            sketch.Add(key++);
        Assert.InRange(sketch.Estimate(1), 6, 7);
        for (int halving = 0; halving < 20; halving++)
        {
            sketch.Add(2);
            while (sketch.Additions > 0)
                sketch.Add(2);
        }
        Assert.Equal(0, sketch.Estimate(1));
    }

    [Fact]
    public void A_ghost_remembers_the_newest_keys_and_forgets_one_that_is_taken()
    {
        using GhostTable ghost = GhostTable.TryCreate(new CountedMemory(), 3)!;
        while (ghost.Capacity < 10_000)
            ghost.Adapt(10_000);
        for (uint key = 0; key < 20_000; key++)
            ghost.Put(key);
        int known = 0;
        for (uint key = 19_000; key < 20_000; key++)
            known += ghost.TryTake(key) ? 1 : 0;
        Assert.InRange(known, 990, 1000);
        int again = 0;
        for (uint key = 19_000; key < 20_000; key++)
            again += ghost.TryTake(key) ? 1 : 0;
        Assert.InRange(again, 0, 5);
    }

    [Fact]
    public void A_ghost_that_grows_or_shrinks_keeps_what_it_has_room_for()
    {
        using GhostTable ghost = GhostTable.TryCreate(new CountedMemory(), 3)!;
        while (ghost.Capacity < 4000)
            ghost.Adapt(4000);
        for (uint key = 0; key < 1000; key++)
            ghost.Put(key);
        for (int i = 0; i < 1000; i++)
            ghost.Adapt(9000);
        for (int i = 0; i < 1000; i++)
            ghost.Adapt(4000);
        int known = 0;
        for (uint key = 0; key < 1000; key++)
            known += ghost.TryTake(key) ? 1 : 0;
        Assert.InRange(known, 900, 1000);
    }

    [Fact]
    public void A_queue_keeps_its_order_while_stale_hashes_are_dropped()
    {
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 9]).Sample((seed, staleOfTen) =>
        {
            CountedMemory memory = new();
            HashQueue queue = new(memory, blockBytes: 64);
            List<uint> model = [];
            Random random = new(seed);
            uint next = 0;
            bool Wanted(uint hash) => hash % 10 >= staleOfTen;
            for (int i = 0; i < 3000; i++)
            {
                switch (random.Next(6))
                {
                    case 0 or 1:
                        Assert.True(queue.TryEnqueue(next));
                        model.Add(next++);
                        break;
                    case 2:
                        // A stale hash may be gone from the queue; the order of those that are wanted is that of the model.
                        uint hash = 0;
                        bool found;
                        while ((found = queue.TryDequeue(out hash)) && !Wanted(hash))
                        {
                        }
                        int first = model.FindIndex(wanted => Wanted(wanted));
                        Assert.Equal(first >= 0, found);
                        if (found)
                            Assert.Equal(model[first], hash);
                        model.RemoveRange(0, first < 0 ? model.Count : first + 1);
                        break;
                    case 3:
                        queue.BeginCompaction();
                        break;
                    default:
                        if (queue.CompactStep(out uint seen) && Wanted(seen))
                            queue.Keep(seen);
                        break;
                }
            }
            Assert.True(queue.Count >= model.Count(Wanted));
            while (queue.CompactStep(out uint seen))
            {
                if (Wanted(seen))
                    queue.Keep(seen);
            }
            queue.BeginCompaction();
            while (queue.CompactStep(out uint seen))
            {
                if (Wanted(seen))
                    queue.Keep(seen);
            }
            Assert.Equal(model.Count(Wanted), queue.Count);
            Assert.InRange(memory.Held, 0, ((queue.Count / 14) + 3) * 64);
            queue.Dispose();
            Assert.Equal(0, memory.Held);
        }, iter: 100);
    }
}
