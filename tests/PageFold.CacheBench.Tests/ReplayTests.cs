using PageFold.CacheBench.HitRatio;
using PageFold.CacheBench.Subjects;
using PageFold.CacheBench.Traces;
using PageFold.Cli;

namespace PageFold.CacheBench.Tests;

/// <summary>Replays of traces from the real caches.</summary>
public class ReplayTests
{
    [Fact]
    public void Hits_are_what_the_cache_answers_and_bytes_weigh_them()
    {
        Trace trace = new("few", [10, 20, 30], [100, 1, 1], [0, 1, 0, 2, 0, 1]);
        ReplayResult result = Run(trace, new Endless(), 1);
        Assert.Equal(3.0 / 6, result.ObjectHitRatio);
        Assert.Equal(201.0 / 303, result.ByteHitRatio);
    }

    [Fact]
    public void Two_threads_take_every_request_once()
    {
        Trace trace = GeneratedTrace.Parse("loop:500:20000").Make(1);
        Endless cache = new();
        Run(trace, cache, 2);
        Assert.Equal(20_000, cache.Asked);
    }

    [Theory]
    [InlineData("pagefold")]
    [InlineData("memorycache")]
    [InlineData("bitfaster-lru")]
    [InlineData("bitfaster-lfu")]
    [InlineData("fusioncache")]
    public void No_cache_holds_more_entries_than_its_limit(string name)
    {
        Gen.Select(Gen.Int[3, 60], Gen.Int[0, 1000]).Sample((entries, seed) =>
        {
            Trace trace = GeneratedTrace.Parse("zipf:100:2000:0.5").Make(seed);
            using ICacheSubject cache = SubjectKind.Of(name).ForTrace(new TraceLimits(entries, null, CacheObjective.Objects, 1));
            ReplayResult result = Run(trace, cache, 1);
            Assert.InRange(cache.Held.Entries, 1, entries);
            Assert.InRange(result.ObjectHitRatio, 0.001, 1);
        }, iter: 8, threads: 1);
    }

    [Theory]
    [InlineData("memorycache")]
    [InlineData("fusioncache")]
    public void A_cache_over_MemoryCache_never_holds_more_bytes_than_its_limit_and_evicts_the_least_recently_used(string name)
    {
        Gen.Select(Gen.Int[1, 40].Array[60], Gen.Int[0, 59].Array[400]).Sample((sizes, requests) =>
        {
            const int Limit = 300;
            using ICacheSubject cache = SubjectKind.Of(name).ForTrace(new TraceLimits(0, Limit, CacheObjective.Objects, 1));
            List<int> used = [];
            foreach (int key in requests)
            {
                if (!cache.TryGet((ulong)key, sizes[key]))
                    cache.Set((ulong)key, sizes[key]);
                used.Remove(key);
                used.Add(key);
                Holdings held = cache.Held;
                Assert.InRange(held.Bytes, 1, Limit);
                Assert.Equal(used.TakeLast((int)held.Entries).Sum(used => (long)sizes[used]), held.Bytes);
            }
        }, iter: 8, threads: 1);
    }

    private static ReplayResult Run(Trace trace, ICacheSubject cache, int threads) =>
        new Replay(trace, new WorkProgress(), CancellationToken.None).Run(cache, threads);

    /// <summary>A cache that keeps everything.</summary>
    private sealed class Endless : ICacheSubject
    {
        private readonly Dictionary<ulong, int> _sizes = [];

        public int Asked { get; private set; }

        public Holdings Held => new(_sizes.Count, _sizes.Values.Sum());

        public bool TryGet(ulong key, int size)
        {
            lock (_sizes)
            {
                Asked++;
                return _sizes.ContainsKey(key);
            }
        }

        public void Set(ulong key, int size)
        {
            lock (_sizes)
                _sizes[key] = size;
        }

        public void Dispose()
        {
        }
    }
}
