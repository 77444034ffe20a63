using PageFold.Caching.Tests.Model;

namespace PageFold.Caching.Tests;

/// <summary>Threads see whole values of a key, in one order, whatever else goes on.</summary>
public class CompressedCacheThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void The_history_of_each_key_is_linearizable(int seed)
    {
        int rounds = int.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_CACHE_THREAD_ROUNDS") ?? "1", null);
        for (int i = 0; i < rounds; i++)
        {
            ThreadsRound round = new(seed + 12 * i, milliseconds: 700);
            round.Run();
            Assert.True(round.Operations > 500 && round.Hits > 20 && round.Conflicts > 20,
                $"{round.Operations} operations, {round.Hits} hits, {round.Conflicts} conflicts");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Disposal_while_threads_work_ends_them_and_nothing_else(int seed)
    {
        for (int round = 0; round < 10; round++)
        {
            CompressedCache cache = new(new CompressedCacheOptions
            {
                MemoryLimit = 4 << 20, Compression = seed == 1 ? CacheCompression.BuiltIn : CacheCompression.Trained,
            });
            using CountdownEvent working = new(4);
            Task[] threads = [.. Enumerable.Range(0, 4)
                .Select(thread => Content.OnItsOwnThread(() => UseUntilDisposed(cache, thread, working)))];
            working.Wait(TestContext.Current.CancellationToken);
            cache.Dispose();
            await Task.WhenAll(threads);
        }
    }

    [Fact]
    public async Task The_callback_is_told_once_of_each_entry_that_goes_and_may_use_the_cache()
    {
        CompressedCache? cache = null;
        long told = 0;
        cache = TestCaches.Make(4 << 20, onEviction: (key, reason) =>
        {
            if (Interlocked.Increment(ref told) % 5 != 0 || reason == CacheEvictionReason.Removed)
                return;
            byte[] copy = key.ToArray();
            cache!.Set("from the callback", copy);
            cache.Contains(copy);
            Assert.Equal(copy, key.ToArray());
        });
        using (cache)
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(thread => Content.OnItsOwnThread(() =>
            {
                for (int i = 0; i < 4000; i++)
                {
                    cache.Set($"{thread} {i % 1500}", Content.Of(i % 3000, (ulong)i));
                    if (i % 50 == 0)
                        cache.Remove($"{thread} {i % 700}");
                }
            })));
            Assert.Equal(cache.GetStatistics().Evictions.Values.Sum(), told);
            Assert.Equal(cache.GetStatistics().Sets - told, cache.Count);
        }
    }

    private static void UseUntilDisposed(CompressedCache cache, int thread, CountdownEvent working)
    {
        byte[] value = new byte[30_000];
        for (int i = 0; ; i++)
        {
            try
            {
                int length = i % 40 == 0 ? value.Length : i % 2000;
                Content.Fill(value.AsSpan(0, length), (ulong)i);
                cache.Set($"{thread} {i % 3000}", value.AsSpan(0, length),
                    new CacheEntryPolicy { Tags = ["t"], Expiration = TimeSpan.FromHours(1) });
                if (cache.TryGet($"{thread} {i % 3000}", value, out int got) == CacheGetOutcome.Hit)
                    Content.AssertSame(Content.Of(length, (ulong)i), value.AsSpan(0, got), "own value");
                if (i % 500 == 499)
                    cache.Compact();
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            if (i == 100)
                working.Signal();
        }
    }
}
