using PageFold.Caching.Loads;

namespace PageFold.Caching.Tests.Loads;

/// <summary>Tokens of misses: none lets a value pass that was changed meanwhile.</summary>
public class PendingLoadsTests
{
    private static ulong HashOf(int key) => unchecked((ulong)(key + 1) * 0x9E3779B97F4A7C15);

    [Fact]
    public void Tokens_agree_with_a_model() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            TestMemory memory = new();
            CacheSequence sequence = new();
            PendingLoads loads = new(memory, sequence);
            // The set that a token is in, its key, and whether it stands. So few that no set overflows.
            List<(CacheMissToken Token, int Key, bool Stands)> tokens = [];
            for (int i = 0; i < 400; i++)
            {
                int key = random.Next(12);
                switch (random.Next(5))
                {
                    case 0 or 1 when tokens.Count(token => token.Key == key && token.Stands) < 8:
                        tokens.Add((loads.Begin(HashOf(key)), key, true));
                        break;
                    case 2:
                        loads.NoteChange(HashOf(key));
                        EndKey(tokens, key);
                        break;
                    case 3 when tokens.Count > 0:
                        int index = random.Next(tokens.Count);
                        (CacheMissToken token, int own, bool stands) = tokens[index];
                        if (random.Next(4) == 0)
                            own = (own + 1) % 12;
                        Assert.Equal(stands && own == tokens[index].Key, loads.TryRedeem(token, HashOf(own)));
                        if (own == tokens[index].Key)
                            tokens[index] = (token, own, false);
                        break;
                    case 4:
                        sequence.Next();
                        break;
                }
                if (random.Next(200) == 0)
                {
                    loads.EndAll();
                    for (int all = 0; all < 12; all++)
                        EndKey(tokens, all);
                }
                Assert.Equal(tokens.Count(token => token.Stands), loads.Outstanding);
            }
            loads.Free();
            Assert.Equal(0, memory.Held);
        },
        iter: 200,
        threads: 1);

    [Fact]
    public void The_first_of_two_loads_wins()
    {
        PendingLoads loads = new(new TestMemory(), new CacheSequence());
        CacheMissToken first = loads.Begin(HashOf(1));
        CacheMissToken second = loads.Begin(HashOf(1));
        Assert.True(loads.TryRedeem(second, HashOf(1)));
        loads.NoteChange(HashOf(1));
        Assert.False(loads.TryRedeem(first, HashOf(1)));
        Assert.False(loads.TryRedeem(second, HashOf(1)));
        loads.Free();
    }

    [Fact]
    public void A_full_set_forgets_its_oldest_token()
    {
        PendingLoads loads = new(new TestMemory(), new CacheSequence());
        CacheMissToken[] tokens = [.. Enumerable.Range(0, 20).Select(_ => loads.Begin(7))];
        Assert.Equal(8, loads.Outstanding);
        Assert.All(tokens[..12], token => Assert.False(loads.TryRedeem(token, 7)));
        Assert.All(tokens[12..], token => Assert.True(loads.TryRedeem(token, 7)));
        loads.Free();
    }

    [Fact]
    public void Without_memory_no_token_can_be_redeemed()
    {
        TestMemory memory = new() { Limit = 1000 };
        PendingLoads loads = new(memory, new CacheSequence());
        CacheMissToken token = loads.Begin(7);
        Assert.NotEqual(default, token);
        loads.NoteChange(7);
        loads.EndAll();
        Assert.False(loads.TryRedeem(token, 7));
        Assert.True(loads.TryRedeem(default, 7));
        memory.Limit = long.MaxValue;
        Assert.False(loads.TryRedeem(token, 7));
        Assert.True(loads.TryRedeem(loads.Begin(7), 7));
        loads.Free();
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public void Made_up_tokens_are_refused()
    {
        PendingLoads loads = new(new TestMemory(), new CacheSequence());
        CacheMissToken token = loads.Begin(7);
        Assert.False(loads.TryRedeem(new CacheMissToken(token.Slot, token.Sequence + 1), 7));
        Assert.False(loads.TryRedeem(new CacheMissToken(token.Slot + 1, token.Sequence), 7));
        Assert.False(loads.TryRedeem(new CacheMissToken(1 << 20, token.Sequence), 7));
        Assert.False(loads.TryRedeem(new CacheMissToken(token.Slot, token.Sequence + (1UL << 32)), 7));
        Assert.False(loads.TryRedeem(token, 7 + 1));
        Assert.False(loads.TryRedeem(token, 7 + (1UL << 40)));
        Assert.True(loads.TryRedeem(token, 7));
        loads.Free();
    }

    /// <summary>
    /// Threads load and change a few keys. A key's lock guards its version; a token that is redeemed proves that the version is the one of
    /// its miss.
    /// </summary>
    [Fact]
    public void No_thread_stores_over_a_change()
    {
        const int Keys = 4;
        PendingLoads loads = new(new TestMemory(), new CacheSequence());
        Lock[] locks = [.. Enumerable.Range(0, Keys).Select(_ => new Lock())];
        long[] versions = new long[Keys];
        long stored = 0, superseded = 0;
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            Random random = new(thread);
            Queue<(int Key, long Version, CacheMissToken Token)> mine = [];
            for (int i = 0; i < 60_000; i++)
            {
                int key = random.Next(Keys);
                // All in one set, so that the threads meet in its words.
                ulong Hash(int of) => 5 | (ulong)(of + 1) << 32;
                if (random.Next(3) > 0 || mine.Count == 0)
                {
                    lock (locks[key])
                        mine.Enqueue((key, versions[key], loads.Begin(Hash(key))));
                }
                else if (random.Next(4) == 0)
                {
                    lock (locks[key])
                    {
                        versions[key]++;
                        loads.NoteChange(Hash(key));
                    }
                }
                if (mine.Count > 2)
                {
                    (int own, long version, CacheMissToken token) = mine.Dequeue();
                    lock (locks[own])
                    {
                        if (!loads.TryRedeem(token, Hash(own)))
                        {
                            Interlocked.Increment(ref superseded);
                            continue;
                        }
                        Assert.Equal(version, versions[own]);
                        versions[own]++;
                        loads.NoteChange(Hash(own));
                        Interlocked.Increment(ref stored);
                    }
                }
            }
        });
        Assert.True(stored > 1000 && superseded > 1000, $"{stored} stored, {superseded} superseded");
        loads.EndAll();
        Assert.Equal(0, loads.Outstanding);
        loads.Free();
    }

    [Fact]
    public void A_load_allocates_nothing()
    {
        PendingLoads loads = new(new TestMemory(), new CacheSequence());
        Assert.Equal(0, Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            for (int i = 0; i < 1000; i++)
            {
                CacheMissToken token = loads.Begin(HashOf(i));
                loads.NoteChange(HashOf(i + 1));
                loads.TryRedeem(token, HashOf(i));
            }
        }));
        loads.Free();
    }

    private static void EndKey(List<(CacheMissToken Token, int Key, bool Stands)> tokens, int key)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Key == key)
                tokens[i] = tokens[i] with { Stands = false };
        }
    }
}
