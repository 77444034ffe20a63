using PageFold.Caching.Tags;

namespace PageFold.Caching.Tests.Tags;

/// <summary>Numbers of tags: a retired tag's entries are dead, those that come later are not.</summary>
public class TagTableTests
{
    // Alike but for their ends or their width, some longer than a slab.
    private static readonly string[] Names =
    [
        .. Enumerable.Range(0, 150).Select(i => $"user:{i}"),
        .. Enumerable.Range(0, 20).Select(i => $"ключ:{i}"),
        .. Enumerable.Range(1, 20).Select(i => new string('x', i * 400)),
        .. Enumerable.Range(1, 5).Select(i => new string('é', i * 4000)),
        new('y', 65_535), "\uD800", "\uD801", "a\0", "a", "A",
    ];

    [Fact]
    public void Tags_agree_with_a_model() => Gen.Int.Sample(seed => Run(seed, refuses: false), iter: 60, threads: 1);

    [Fact]
    public void Memory_that_is_refused_changes_nothing() => Gen.Int.Sample(seed => Run(seed, refuses: true), iter: 60, threads: 1);

    [Fact]
    public void Short_numbers_are_used_first()
    {
        TagTable tags = new(new TestMemory(), new CacheSequence());
        for (uint i = 0; i < 20_000; i++)
        {
            Assert.True(tags.TryAcquire($"{i}", out uint number));
            Assert.Equal(i, number);
        }
        foreach (uint number in new uint[] { 5, 300, 17_000, 19_000, 400, 6 })
            tags.Release(number);
        uint[] again = [.. Enumerable.Range(0, 7).Select(i => tags.TryAcquire($"new {i}", out uint number) ? number : uint.MaxValue)];
        Assert.All(again[..2], number => Assert.InRange(number, 0u, 127u));
        Assert.All(again[2..4], number => Assert.InRange(number, 128u, 16_383u));
        Assert.All(again[4..6], number => Assert.InRange(number, 16_384u, 19_999u));
        Assert.Equal(20_000u, again[6]);
        tags.Free();
    }

    [Fact]
    public void Old_events_count_as_followed_by_every_retirement()
    {
        TestMemory memory = new();
        CacheSequence sequence = new();
        TagTable tags = new(memory, sequence);
        ulong before = sequence.Next();
        for (int i = 0; i < 1024; i++)
            tags.Retire($"{i}");
        Assert.True(tags.RetiredSince("7", before));
        Assert.False(tags.RetiredSince("other", before));
        Assert.False(tags.RetiredSince("7", sequence.Last));
        tags.Retire("one more");
        Assert.True(tags.RetiredSince("other", before));
        Assert.False(tags.RetiredSince("other", before + 1));
        tags.Free();
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public void Without_memory_for_the_ring_every_tag_counts_as_retired()
    {
        CacheSequence sequence = new();
        TestMemory memory = new() { Limit = 0 };
        TagTable tags = new(memory, sequence);
        ulong before = sequence.Next();
        Assert.False(tags.RetiredSince("a", before));
        tags.Retire("b");
        Assert.True(tags.RetiredSince("a", before));
        Assert.False(tags.RetiredSince("a", sequence.Next()));
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public void A_number_that_was_never_given_out_is_dead()
    {
        TagTable tags = new(new TestMemory(), new CacheSequence());
        Assert.True(tags.IsDead(0));
        Assert.True(tags.TryAcquire("a", out uint number));
        Assert.False(tags.IsDead(number));
        Assert.True(tags.IsDead(uint.MaxValue));
        Assert.True(tags.IsDead(1u << 20));
        tags.Free();
    }

    /// <summary>
    /// Threads acquire and release while others retire. A number that was acquired before a retirement began is dead when it has ended; one
    /// that no retirement can have met is alive.
    /// </summary>
    [Fact]
    public void A_retirement_ends_what_was_there_before_and_nothing_else()
    {
        const int Tags = 6;
        TestMemory memory = new();
        TagTable tags = new(memory, new CacheSequence());
        long[] begun = new long[Tags], ended = new long[Tags];
        Lock[] retiring = [.. Enumerable.Range(0, Tags).Select(_ => new Lock())];
        long dead = 0, alive = 0;
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            Random random = new(thread);
            Queue<(int Tag, uint Number, long Before, long After)> held = [];
            for (int i = 0; i < 60_000; i++)
            {
                int tag = random.Next(Tags);
                if (random.Next(16) == 0)
                {
                    // One at a time, so that the counts tell which have ended.
                    lock (retiring[tag])
                    {
                        Interlocked.Increment(ref begun[tag]);
                        tags.Retire(Names[tag]);
                        Interlocked.Increment(ref ended[tag]);
                    }
                    continue;
                }
                long before = Interlocked.Read(ref ended[tag]);
                Assert.True(tags.TryAcquire(Names[tag], out uint number));
                held.Enqueue((tag, number, before, Interlocked.Read(ref begun[tag])));
                if (held.Count <= random.Next(8))
                    continue;
                (int own, uint old, long ended0, long begun0) = held.Dequeue();
                long ended1 = Interlocked.Read(ref ended[own]);
                bool isDead = tags.IsDead(old);
                long begun1 = Interlocked.Read(ref begun[own]);
                if (ended1 > begun0)
                    Assert.True(isDead);
                else if (begun1 == ended0)
                    Assert.False(isDead);
                Interlocked.Increment(ref isDead ? ref dead : ref alive);
                if (random.Next(2) == 0)
                {
                    tags.AddReference(old);
                    tags.Release(old);
                }
                tags.Release(old);
            }
            foreach ((_, uint number, _, _) in held)
                tags.Release(number);
        });
        Assert.True(dead > 1000 && alive > 1000, $"{dead} dead, {alive} alive");
        Assert.Equal(0, tags.Count);
        tags.Free();
        Assert.Equal(0, memory.Held);
    }

    /// <summary>The last reference of a tag goes on one thread while another acquires the tag again.</summary>
    [Fact]
    public void A_tag_that_is_acquired_again_keeps_its_number()
    {
        TagTable tags = new(new TestMemory(), new CacheSequence());
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                Assert.True(tags.TryAcquire(Names[(i + thread) % 2], out uint one));
                Assert.True(tags.TryAcquire(Names[(i + thread + 1) % 2], out uint other));
                Assert.NotEqual(one, other);
                tags.Release(one);
                tags.Release(other);
            }
        });
        Assert.Equal(0, tags.Count);
        tags.Free();
    }

    [Fact]
    public void Tags_that_come_and_go_allocate_nothing()
    {
        TestMemory memory = new();
        TagTable tags = new(memory, new CacheSequence());
        uint[] numbers = new uint[Names.Length];
        Assert.Equal(0, Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            for (int i = 0; i < 150; i++)
                tags.TryAcquire(Names[i], out numbers[i]);
            tags.Retire(Names[3]);
            tags.RetiredSince(Names[4], 1);
            for (int i = 0; i < 150; i++)
                tags.Release(numbers[i]);
        }));
        Assert.Equal(memory.Held, tags.Bytes);
        tags.Free();
        Assert.Equal(0, memory.Held);
    }

    private static void Run(int seed, bool refuses)
    {
        Random random = new(seed);
        TestMemory memory = new();
        CacheSequence sequence = new();
        TagTable tags = new(memory, sequence);
        Dictionary<string, uint> numbers = [];
        Dictionary<uint, int> references = [];
        HashSet<uint> dead = [];
        List<(string Name, ulong Number)> retired = [];
        for (int i = 0; i < 1500; i++)
        {
            if (refuses)
                memory.Limit = random.Next(2) == 0 ? memory.Held + random.Next(1 << 14) : long.MaxValue;
            string name = Names[random.Next(Names.Length)];
            switch (random.Next(8))
            {
                case < 3:
                    bool isKnown = numbers.TryGetValue(name, out uint known);
                    if (!tags.TryAcquire(name, out uint number))
                    {
                        Assert.True(refuses && !isKnown);
                        break;
                    }
                    Assert.True(isKnown ? number == known : !references.ContainsKey(number));
                    numbers[name] = number;
                    references[number] = references.GetValueOrDefault(number) + 1;
                    break;
                case < 6 when references.Count > 0:
                    number = references.Keys.ElementAt(random.Next(references.Count));
                    if (random.Next(4) == 0)
                    {
                        tags.AddReference(number);
                        references[number]++;
                        break;
                    }
                    tags.Release(number);
                    if (--references[number] > 0)
                        break;
                    references.Remove(number);
                    if (!dead.Remove(number))
                        numbers.Remove(numbers.First(pair => pair.Value == number).Key);
                    break;
                case 6 when random.Next(4) == 0:
                    tags.Retire(name);
                    retired.Add((name, sequence.Last));
                    if (numbers.Remove(name, out number))
                        dead.Add(number);
                    break;
                case 7:
                    ulong since = (ulong)random.NextInt64((long)sequence.Last + 1);
                    bool expected = retired.Exists(tag => tag.Name == name && tag.Number > since);
                    Assert.True(tags.RetiredSince(name, since) == expected || refuses);
                    if (expected)
                        Assert.True(tags.RetiredSince(name, since));
                    break;
            }
            Assert.Equal(references.Count, tags.Count);
        }
        Assert.All(references.Keys, number => Assert.Equal(dead.Contains(number), tags.IsDead(number)));
        Assert.Equal(memory.Held, tags.Bytes);
        tags.Free();
        Assert.Equal(0, memory.Held);
    }
}
