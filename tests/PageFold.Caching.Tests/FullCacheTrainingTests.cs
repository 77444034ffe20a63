using System.Buffers.Binary;

namespace PageFold.Caching.Tests;

/// <summary>Trainings of a cache that is full: entries are evicted for them.</summary>
public class FullCacheTrainingTests
{
    [Fact]
    public void A_callback_may_dispose_a_cache_whose_training_makes_room()
    {
        int setter = Environment.CurrentManagedThreadId;
        using ManualResetEventSlim called = new();
        using ManualResetEventSlim returned = new();
        // Not disposed here: that would wait for the training for ever if the callback does.
        CompressedCache cache = null!;
        cache = Make((_, _) =>
        {
            if (Environment.CurrentManagedThreadId == setter || called.IsSet)
                return;
            called.Set();
            cache.Dispose();
            returned.Set();
        });
        try
        {
            Set(cache, 100);
            Fill(cache);
            for (int i = 0; i < 20 && !called.IsSet; i++)
                Set(cache, 1000);
        }
        catch (ObjectDisposedException)
        {
        }
        Assert.True(called.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), "No entry was evicted for a training.");
        Assert.True(returned.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), "Dispose does not return.");
    }

    [Fact]
    public void A_full_cache_trains()
    {
        using CompressedCache cache = Make(onEviction: null);
        Fill(cache);
        long until = Environment.TickCount64 + 30_000;
        while (cache.GetStatistics().DictionaryVersion == 0 && Environment.TickCount64 < until)
            Set(cache, 1000);
        Assert.NotEqual(0, cache.GetStatistics().DictionaryVersion);
        Assert.InRange(cache.UsedBytes, 1, cache.MemoryLimit);
    }

    private static CompressedCache Make(CacheEvictionCallback? onEviction) =>
        TestCaches.Make(32 << 20, onEviction: onEviction, compression: CacheCompression.Trained);

    /// <summary>Fills the cache with keys alone, of which none is a sample.</summary>
    private static void Fill(CompressedCache cache)
    {
        byte[] key = new byte[1000];
        for (int i = 0; i < 40_000; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key, i);
            cache.Set(key, []);
        }
        Assert.NotEqual(0, cache.GetStatistics().Evictions[CacheEvictionReason.Capacity]);
    }

    private static void Set(CompressedCache cache, int count)
    {
        for (int i = 0; i < count; i++)
            cache.Set($"key {i}", Content.Compressible(600 + i % 500, (ulong)i));
    }
}
