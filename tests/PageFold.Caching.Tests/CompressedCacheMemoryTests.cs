using System.Buffers.Binary;

namespace PageFold.Caching.Tests;

/// <summary>Memory that goes back when what needed it has gone.</summary>
public class CompressedCacheMemoryTests
{
    [Fact]
    public void Tags_that_have_gone_leave_their_memory_to_entries()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        for (int i = 0; i < 4000; i++)
            cache.SetTagged($"{i}", Content.Of(100, 1), i + new string('x', 3000));
        long tagged = cache.GetStatistics().MetadataBytes;
        cache.Clear();
        Assert.InRange(cache.GetStatistics().MetadataBytes, 0, tagged / 4);
        for (int i = 0; i < 40_000; i++)
            cache.Set($"{i}", Content.Of(100, 1));
        Assert.True(cache.Count > 10_000, $"{cache.Count} entries, {cache.GetStatistics()}");
    }

    [Fact]
    public void A_cache_of_many_entries_works_with_the_smallest_limit()
    {
        using CompressedCache cache = TestCaches.Make(128 << 20);
        byte[] key = new byte[sizeof(int)];
        for (int i = 0; i < 1_500_000; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key, i);
            cache.Set(key, []);
        }
        cache.MemoryLimit = CompressedCacheOptions.MinMemoryLimit;
        Assert.True(cache.Set("a", [1]).IsStored(), $"{cache.GetStatistics()}");
        Assert.InRange(cache.UsedBytes, 1, CompressedCacheOptions.MinMemoryLimit);
    }

    [Fact]
    public void A_cache_works_with_the_smallest_limit_and_a_high_maximum()
    {
        using CompressedCache cache = new(new CompressedCacheOptions
        {
            MemoryLimit = CompressedCacheOptions.MinMemoryLimit, MaxMemoryLimit = 1L << 40,
        });
        Assert.True(cache.Set("a", [1]).IsStored());
        Assert.InRange(cache.UsedBytes, 1, cache.MemoryLimit);
    }

    [Fact]
    public void Keys_of_many_evicted_entries_are_not_kept_with_the_thread()
    {
        long told = 0;
        using CompressedCache cache = TestCaches.Make(64 << 20, onEviction: (_, _) => told++);
        byte[] key = new byte[1000];
        for (int i = 0; i < 70_000; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key, i);
            cache.Set(key, []);
        }
        byte[] large = Content.Of(15 << 20, 1);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        told = 0;
        Assert.True(cache.Set("large"u8, large).IsStored());
        Assert.True(told > 10_000, $"{told} entries");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 << 20);
        GC.KeepAlive(large);
    }

    [Fact]
    public async Task A_trim_ends_while_many_threads_set()
    {
        using CompressedCache cache = TestCaches.Make(64 << 20);
        using CancellationTokenSource end = new();
        Task[] writers = [.. Enumerable.Range(0, 12).Select(thread => Content.OnItsOwnThread(() => Set(cache, thread, end.Token)))];
        while (cache.Count < 1000)
            await Task.Yield();
        Task trim = Content.OnItsOwnThread(() => cache.Trim(0));
        Task first = await Task.WhenAny(trim, Task.Delay(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        await end.CancelAsync();
        await Task.WhenAll([trim, .. writers]);
        Assert.Same(trim, first);
    }

    private static void Set(CompressedCache cache, int thread, CancellationToken end)
    {
        byte[] value = Content.Compressible(300, 1);
        for (int i = 0; !end.IsCancellationRequested; i++)
            cache.Set($"{thread} {i}", value);
    }
}
