using System.Buffers;

namespace PageFold.Caching.Tests;

/// <summary>The span forms allocate nothing on the GC heap once buffers and tables are there.</summary>
[Collection(Alone.Name)]
public class AllocationFreeTests
{
    public static TheoryData<string> Operations =>
    [
        "hit", "miss", "miss with token", "replace", "insert and evict", "remove", "touch", "contains", "large", "sliding", "remove by tag",
        "writer",
    ];

    [Theory]
    [MemberData(nameof(Operations))]
    public void An_operation_in_steady_state_allocates_nothing(string operation)
    {
        ManualClock clock = new();
        using CompressedCache cache = TestCaches.Make(4 << 20, clock);
        byte[][] keys = [.. Enumerable.Range(0, 4000).Select(i => TestCaches.Utf8($"key number {i}"))];
        byte[] value = Content.Compressible(1000, 1);
        byte[] large = Content.Of(50_000, 1);
        byte[] destination = new byte[60_000];
        CacheEntryPolicy policy = new() { Tags = ["a", "b"], SlidingExpiration = TimeSpan.FromHours(1) };
        ArrayBufferWriter<byte> writer = new(60_000);
        foreach (byte[] key in keys)
            cache.Set(key, value, policy);
        byte[] kept = keys[^1];
        cache.Set("a string key", value);
        int next = 0;
        Action action = operation switch
        {
            "hit" => () =>
            {
                Assert.True(cache.TryGet(kept, destination, out _) == CacheGetOutcome.Hit);
                cache.TryGet("a string key", destination, out _);
            },
            "miss" => () => cache.TryGet("none", destination, out _),
            "miss with token" => () =>
            {
                cache.TryGet("none"u8, destination, out _, out CacheMissToken token);
                cache.Set("none"u8, value, default, token);
                cache.Remove("none"u8);
            },
            "replace" => () => cache.Set(kept, value, policy),
            "insert and evict" => () => cache.Set(keys[next++ % keys.Length], value, policy),
            "remove" => () =>
            {
                cache.Set(kept, value);
                cache.Remove(kept);
            },
            "touch" => () => cache.Touch(kept),
            "contains" => () => cache.Contains("a string key"),
            "large" => () =>
            {
                cache.Set("large"u8, large);
                cache.TryGet("large"u8, destination, out _);
            },
            "sliding" => () =>
            {
                clock.AdvanceSilently(TimeSpan.FromSeconds(1));
                cache.TryGet(kept, destination, out _);
            },
            "remove by tag" => () =>
            {
                cache.RemoveByTag("a");
                cache.Set(kept, value, policy);
            },
            _ => () =>
            {
                writer.ResetWrittenCount();
                cache.TryGet(kept, writer);
            },
        };
        void Many()
        {
            for (int i = 0; i < 200; i++)
                action();
        }
        long allocated = Allocations.Least(GC.GetAllocatedBytesForCurrentThread, Many);
        Assert.True(allocated == 0, $"{allocated} bytes by 200 times '{operation}': {Allocations.Name(Many)}");
    }
}
