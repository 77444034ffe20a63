using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using PageFold.Caching.Distributed;

namespace PageFold.Caching.Ecosystem.Tests;

/// <summary>The entries by which caches above remember invalidated tags: their loss would revive dead entries.</summary>
public sealed class TagMarkerTests : IDisposable
{
    private const long Limit = 4 << 20;

    private static readonly DistributedCacheEntryOptions Forever = new();

    private readonly CompressedCache _cache = new(new CompressedCacheOptions { MemoryLimit = Limit });
    private readonly PageFoldDistributedCache _distributed;

    public TagMarkerTests() => _distributed = new PageFoldDistributedCache(_cache);

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData("__MSFT_HCT__*", true)]
    [InlineData("app:__MSFT_HCT__tag", true)]
    [InlineData("v2:__fc:t:tag", true)]
    [InlineData("v2:shop:__fc:t:!", true)]
    [InlineData("__fc:t:tag:v2", true)]
    [InlineData("v2-__fc-t-tag", true)]
    [InlineData("v2:tag", false)]
    [InlineData("__msft_hct__tag", false)]
    [InlineData("", false)]
    public void Markers_are_told_by_their_keys(string key, bool isMarker) => Assert.Equal(isMarker, TagMarkers.IsMarker(key));

    /// <summary>EFCoreSecondLevelCacheInterceptor#191: markers evicted by size, and the invalidation is lost in silence.</summary>
    [Fact]
    public void A_marker_survives_any_number_of_values()
    {
        _distributed.Set("__MSFT_HCT__old", [1, 2, 3, 4, 5, 6, 7, 8], Forever);
        _distributed.Set("v2:__fc:t:old", [9], Forever);
        byte[] value = new byte[1000];
        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(value);
            _distributed.Set($"value {i}", value, Forever);
        }
        Assert.True(_cache.GetStatistics().Evictions[CacheEvictionReason.Capacity] > 1000);
        Assert.Equal((byte[])[1, 2, 3, 4, 5, 6, 7, 8], _distributed.Get("__MSFT_HCT__old"));
        Assert.Equal((byte[])[9], _distributed.Get("v2:__fc:t:old"));
    }

    [Fact]
    public void At_the_cap_a_markers_set_throws_and_older_markers_and_values_stay()
    {
        byte[] marker = new byte[8];
        _distributed.Set("value", marker, Forever);
        int stored = 0;
        MemoryLimitException? full = null;
        while (full is null && stored < 100_000)
        {
            try
            {
                _distributed.Set($"__MSFT_HCT__{stored}", marker, Forever);
                stored++;
            }
            catch (MemoryLimitException exception)
            {
                full = exception;
            }
        }
        Assert.Contains("1/16 of MemoryLimit (4194304 bytes)", full!.Message, StringComparison.Ordinal);
        Assert.InRange(stored, 100, Limit / 16 / 8);
        Assert.All(Enumerable.Range(0, stored), i => Assert.NotNull(_distributed.Get($"__MSFT_HCT__{i}")));
        Assert.NotNull(_distributed.Get("value"));
        Assert.True(_distributed.SetAsync($"__MSFT_HCT__{stored}", marker, Forever).IsFaulted);

        // An older marker can be renewed, and room that one leaves is used again.
        _distributed.Set("__MSFT_HCT__0", [1, 1, 1, 1, 1, 1, 1, 1], Forever);
        Assert.Equal(1, _distributed.Get("__MSFT_HCT__0")![0]);
        _distributed.Remove("__MSFT_HCT__1");
        _distributed.Set("__MSFT_HCT__x", marker, Forever);
        Assert.NotNull(_distributed.Get("__MSFT_HCT__x"));
    }

    [Fact]
    public void A_damaged_marker_throws_until_it_is_set_again_and_a_damaged_value_is_a_miss()
    {
        _distributed.Set("__MSFT_HCT__tag", new byte[8], Forever);
        _distributed.Set("value", new byte[8], Forever);
        Assert.True(_cache.Damaged("__MSFT_HCT__tag"u8));
        Assert.True(_cache.Damaged("value"u8));
        Assert.Throws<CacheCorruptException>(() => _distributed.Get("__MSFT_HCT__tag"));
        Assert.True(_distributed.GetAsync("__MSFT_HCT__tag").IsFaulted);
        Assert.Null(_distributed.Get("value"));
        _distributed.Set("__MSFT_HCT__tag", [7], Forever);
        Assert.Equal((byte[])[7], _distributed.Get("__MSFT_HCT__tag"));
    }

    [Fact]
    public async Task A_damaged_marker_of_HybridCache_does_not_revive_what_it_invalidated()
    {
        using ServiceProvider first = Containers.Above(_cache);
        HybridCache hybrid = first.Hybrid();
        Assert.Equal(1, await hybrid.GetOrCreateAsync("a", _ => ValueTask.FromResult(1), tags: ["tag"]));
        await hybrid.RemoveByTagAsync("tag");
        Assert.True(_cache.Damaged(Encoding.UTF8.GetBytes("__MSFT_HCT__tag")));
        using ServiceProvider second = Containers.Above(_cache);
        Assert.Equal(2, await second.Hybrid().GetOrCreateAsync("a", _ => ValueTask.FromResult(2), tags: ["tag"]));
    }

    [Fact]
    public async Task At_the_cap_RemoveByTag_of_HybridCache_throws()
    {
        using ServiceProvider services = Containers.Above(_cache);
        HybridCache hybrid = services.Hybrid();
        await Assert.ThrowsAsync<MemoryLimitException>(async () =>
        {
            for (int i = 0; i < 100_000; i++)
                await hybrid.RemoveByTagAsync($"tag {i}");
        });
    }
}
