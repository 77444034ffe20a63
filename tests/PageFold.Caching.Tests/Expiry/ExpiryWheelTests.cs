using PageFold.Caching.Expiry;

namespace PageFold.Caching.Tests.Expiry;

/// <summary>The timer wheel of groups: no deadline is lost, whatever the clock does.</summary>
public class ExpiryWheelTests
{
    [Fact]
    public void No_deadline_is_lost() => Gen.Int.Sample(seed => Run(seed, grows: true, refuses: false, back: false), iter: 150, threads: 1);

    [Fact]
    public void A_group_that_is_taken_has_an_entry_that_is_due() =>
        Gen.Int.Sample(seed => Run(seed, grows: false, refuses: false, back: false), iter: 100, threads: 1);

    [Fact]
    public void Memory_that_is_refused_loses_no_deadline_that_was_noted() =>
        Gen.Int.Sample(seed => Run(seed, grows: true, refuses: true, back: false), iter: 100, threads: 1);

    [Fact]
    public void A_clock_that_goes_back_loses_no_deadline() =>
        Gen.Int.Sample(seed => Run(seed, grows: true, refuses: false, back: true), iter: 100, threads: 1);

    [Fact]
    public void A_jump_by_years_takes_each_group_once()
    {
        ExpiryWheel wheel = new(new TestMemory());
        wheel.Note(0, 1);
        wheel.Fit(64 * 4096);
        for (uint hash = 0; hash < 4096; hash++)
            wheel.Note(hash, hash * 1_000_003);
        int taken = 0;
        while (wheel.TryTakeDue(CacheClock.Never - 1, out _))
            taken++;
        Assert.Equal(4096, taken);
        Assert.False(wheel.TryTakeDue(CacheClock.Never - 1, out _));
        wheel.Free();
    }

    [Fact]
    public void A_cache_without_expiry_takes_no_memory()
    {
        TestMemory memory = new();
        ExpiryWheel wheel = new(memory);
        Assert.True(wheel.Note(5, CacheClock.Never));
        Assert.True(wheel.Fit(1 << 30));
        Assert.False(wheel.TryTakeDue(uint.MaxValue, out _));
        Assert.Equal(0, memory.Held);
        Assert.Equal(0, wheel.Bytes);
        Assert.True(wheel.Note(5, 100));
        Assert.True(wheel.Fit(1 << 20));
        Assert.Equal(memory.Held, wheel.Bytes);
        // A fifth of a byte an entry, and the slots.
        Assert.InRange(memory.Held, 1, (1 << 20) / 5 + 5000);
        wheel.Free();
        Assert.Equal(0, memory.Held);
    }

    /// <summary>
    /// Threads note under the locks of their entries while others take groups, visit them under these locks, and add groups.
    /// </summary>
    [Fact]
    public void Deadlines_noted_during_a_visit_are_not_lost()
    {
        const int Stripes = 8;
        const int Enough = 10_000;
        ExpiryWheel wheel = new(new TestMemory());
        Dictionary<uint, uint>[] entries = [.. Enumerable.Range(0, Stripes).Select(_ => new Dictionary<uint, uint>())];
        int now = 1, running = 3, expired = 0;
        using Barrier together = new(5);
        Thread[] threads = [.. Enumerable.Range(0, 5).Select(number => new Thread(() =>
        {
            Random random = new(number);
            together.SignalAndWait();
            if (number < 3)
            {
                // Until the sweeps have had their share of the processor.
                for (int i = 0; i < 40_000 || Volatile.Read(ref expired) <= Enough && i < 40_000_000; i++)
                {
                    uint hash = (uint)random.Next(1 << 12);
                    uint deadline = (uint)(Volatile.Read(ref now) + random.Next(40));
                    Dictionary<uint, uint> stripe = entries[hash % Stripes];
                    lock (stripe)
                    {
                        stripe[hash] = deadline;
                        wheel.Note(hash, deadline);
                    }
                    if (i % 16 == 0)
                        Interlocked.Increment(ref now);
                    if (number == 0 && i % 4000 == 0 && i < 40_000)
                        wheel.Fit(64L << (7 + i / 8000));
                }
                Interlocked.Decrement(ref running);
                return;
            }
            while (Volatile.Read(ref running) > 0)
                Interlocked.Add(ref expired, Sweep((uint)Volatile.Read(ref now)));
        }) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.True(thread.Join(60_000));
        Assert.True(expired > Enough, $"{expired} expired meanwhile");
        Sweep((uint)now);
        Assert.All(entries, stripe => Assert.All(stripe.Values, deadline => Assert.True(deadline > now, $"{deadline} was lost at {now}")));
        wheel.Free();

        int Sweep(uint time)
        {
            int gone = 0;
            while (wheel.TryTakeDue(time, out GroupRange range))
            {
                uint earliest = CacheClock.Never;
                foreach (Dictionary<uint, uint> stripe in entries)
                {
                    lock (stripe)
                        gone += Visit(stripe, range, time, ref earliest);
                }
                wheel.Note(range, earliest);
            }
            return gone;
        }
    }

    [Fact]
    public void Notes_and_visits_allocate_nothing()
    {
        ExpiryWheel wheel = new(new TestMemory());
        uint now = 1;
        Assert.Equal(0, Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            for (uint i = 0; i < 1000; i++)
                wheel.Note(i * 7919, now + i % 300);
            now += 100;
            while (wheel.TryTakeDue(now, out GroupRange range))
                wheel.Note(range, now + 50);
        }));
        wheel.Free();
    }

    private static void Run(int seed, bool grows, bool refuses, bool back)
    {
        Random random = new(seed);
        TestMemory memory = new();
        ExpiryWheel wheel = new(memory);
        Dictionary<uint, uint> entries = [];
        uint now = (uint)random.NextInt64(1, 1L << random.Next(1, 32));
        uint latest = now;
        for (int i = 0; i < 300; i++)
        {
            if (refuses)
                memory.Limit = random.Next(3) == 0 ? memory.Held + random.Next(1 << 13) : long.MaxValue;
            if (grows && random.Next(20) == 0)
                wheel.Fit(64L << random.Next(6, 14));
            if (random.Next(3) > 0)
            {
                uint hash = (uint)random.Next(1 << random.Next(4, 20));
                uint deadline = (uint)Math.Min(now - 5L + random.NextInt64(1L << random.Next(3, 33)), CacheClock.Never);
                if (wheel.Note(hash, deadline))
                    entries[hash] = entries.TryGetValue(hash, out uint old) ? Math.Min(old, deadline) : deadline;
                else
                    Assert.True(refuses);
                continue;
            }
            now = (uint)Math.Min(now + random.NextInt64(1L << random.Next(1, 30)), CacheClock.Never - 1);
            if (back && random.Next(4) == 0)
                now = (uint)random.NextInt64(1, now + 1L);
            // A small step back is waited for.
            bool waits = now < latest && latest - now <= 60 * CacheClock.TicksPerSecond;
            latest = waits ? latest : now;
            int taken = 0;
            while (wheel.TryTakeDue(now, out GroupRange range))
            {
                Assert.True(++taken <= 2 * wheel.Groups, "a group comes again and again");
                uint earliest = CacheClock.Never;
                int gone = Visit(entries, range, now, ref earliest);
                Assert.True(grows || gone > 0, "nothing was due");
                if (grows && random.Next(8) == 0)
                    DivideDuringVisit(wheel, entries, range, now, random);
                wheel.Note(range, earliest);
            }
            if (!waits)
                Assert.All(entries.Values, deadline => Assert.True(deadline > now, $"{deadline} was lost at {now}"));
        }
        memory.Limit = long.MaxValue;
        Assert.Equal(memory.Held, wheel.Bytes);
        wheel.Free();
        Assert.Equal(0, memory.Held);
    }

    // Other threads may add groups, and note deadlines that open them, while a range is visited.
    private static void DivideDuringVisit(ExpiryWheel wheel, Dictionary<uint, uint> entries, GroupRange range, uint now, Random random)
    {
        wheel.Fit(Math.Min(128L * wheel.Groups, 1 << 16));
        uint hash = range.Value | (range.Mask + 1) & (uint)random.Next();
        uint deadline = (uint)Math.Min(now + 1 + random.NextInt64(1L << 30), CacheClock.Never - 1);
        if (!entries.ContainsKey(hash) && wheel.Note(hash, deadline))
            entries[hash] = deadline;
    }

    private static int Visit(Dictionary<uint, uint> entries, GroupRange range, uint now, ref uint earliest)
    {
        int gone = 0;
        foreach ((uint hash, uint deadline) in entries)
        {
            if (!range.Contains(hash))
                continue;
            if (deadline > now)
                earliest = Math.Min(earliest, deadline);
            else if (entries.Remove(hash))
                gone++;
        }
        return gone;
    }
}
