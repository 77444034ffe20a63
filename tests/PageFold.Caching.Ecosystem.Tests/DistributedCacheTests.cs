using System.Buffers;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace PageFold.Caching.Ecosystem.Tests;

public sealed class DistributedCacheTests : IDisposable
{
    private static readonly DistributedCacheEntryOptions Forever = new();

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLogger<PageFoldDistributedCache> _log = new();
    private readonly CompressedCache _cache;
    private readonly PageFoldDistributedCache _distributed;

    public DistributedCacheTests()
    {
        _cache = new CompressedCache(new CompressedCacheOptions { MemoryLimit = 4 << 20, TimeProvider = _clock });
        _distributed = new PageFoldDistributedCache(_cache, _log);
    }

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void A_value_is_got_as_it_was_set_and_an_empty_one_is_no_miss()
    {
        _distributed.Set("a", [1, 2, 3], Forever);
        _distributed.Set("empty", [], Forever);
        Assert.Equal((byte[])[1, 2, 3], _distributed.Get("a"));
        Assert.Equal((byte[])[], _distributed.Get("empty"));
        Assert.Null(_distributed.Get("b"));
        _distributed.Remove("a");
        Assert.Null(_distributed.Get("a"));
    }

    [Fact]
    public void A_value_in_several_segments_is_stored_as_one()
    {
        byte[] value = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000)));
        Segment first = new(value.AsMemory(0, 1000), 0);
        Segment last = first.Append(value.AsMemory(1000, 1)).Append(value.AsMemory(1001));
        _distributed.Set("a", new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), Forever);
        ArrayBufferWriter<byte> got = new();
        Assert.True(_distributed.TryGet("a", got));
        Assert.Equal(value, got.WrittenSpan);
    }

    /// <summary>HybridCache serves invalidated entries while a second level works on (dotnet/extensions#7771).</summary>
    [Fact]
    public void Every_asynchronous_method_returns_a_task_that_is_complete()
    {
        CancellationToken cancelled = new(canceled: true);
        ArrayBufferWriter<byte> writer = new();
        for (int round = 0; round < 3; round++)
        {
            if (round == 2)
                _cache.Dispose();
            foreach (CancellationToken token in (CancellationToken[])[CancellationToken.None, cancelled])
            {
                foreach (string? key in (string?[])["a", "__MSFT_HCT__tag", "\ud800", null])
                {
                    Task[] tasks =
                    [
                        _distributed.SetAsync(key!, [1], Forever, token),
                        _distributed.SetAsync(key!, null!, Forever, token),
                        _distributed.SetAsync(key!, new ReadOnlySequence<byte>([1]), Forever, token).AsTask(),
                        _distributed.GetAsync(key!, token),
                        _distributed.TryGetAsync(key!, writer, token).AsTask(),
                        _distributed.RefreshAsync(key!, token),
                        _distributed.RemoveAsync(key!, token),
                    ];
                    Assert.All(tasks, task => Assert.True(task.IsCompleted));
                    bool fails = round == 2 || key is null or "\ud800";
                    if (token.IsCancellationRequested)
                        Assert.All(tasks, task => Assert.True(task.IsCanceled));
                    else
                        Assert.All(tasks.Where((_, i) => i != 1), task => Assert.Equal(fails, task.IsFaulted));
                }
            }
        }
    }

    [Fact]
    public void Expirations_absolute_and_relative_are_kept()
    {
        _distributed.Set("relative", [1], new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(2) });
        _distributed.Set("at", [1], new DistributedCacheEntryOptions { AbsoluteExpiration = _clock.GetUtcNow().AddMinutes(3) });
        _distributed.Set("both", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5), AbsoluteExpiration = _clock.GetUtcNow().AddMinutes(1),
        });
        _distributed.Set("never", [1], Forever);
        Assert.Equal(["relative", "at", "both", "never"], Present("relative", "at", "both", "never"));
        _clock.Advance(TimeSpan.FromSeconds(121));
        Assert.Equal(["at", "both", "never"], Present("relative", "at", "both", "never"));
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(["both", "never"], Present("relative", "at", "both", "never"));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(["never"], Present("relative", "at", "both", "never"));
    }

    [Fact]
    public void A_get_or_a_refresh_renews_sliding_expiration()
    {
        DistributedCacheEntryOptions minute = new() { SlidingExpiration = TimeSpan.FromMinutes(1) };
        _distributed.Set("got", [1], minute);
        _distributed.Set("refreshed", [1], minute);
        _distributed.Set("left", [1], minute);
        for (int i = 0; i < 3; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(40));
            Assert.NotNull(_distributed.Get("got"));
            _distributed.Refresh("refreshed");
        }
        Assert.Equal(["got", "refreshed"], Present("got", "refreshed", "left"));
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Empty(Present("got", "refreshed"));
    }

    [Fact]
    public void A_value_that_had_expired_when_it_was_set_takes_the_old_one_away()
    {
        _distributed.Set("a", [1], Forever);
        _distributed.Set("a", [2], new DistributedCacheEntryOptions { AbsoluteExpiration = _clock.GetUtcNow().AddSeconds(-1) });
        Assert.Null(_distributed.Get("a"));
    }

    [Fact]
    public void An_oversize_value_is_logged_and_counted_and_the_old_one_is_gone()
    {
        _distributed.Set("a", [1], Forever);
        byte[] noise = new byte[5 << 20];
        new Random(1).NextBytes(noise);
        _distributed.Set("a", noise, Forever);
        Assert.Null(_distributed.Get("a"));
        Assert.Equal(1, _cache.GetStatistics().Refused);
        FakeLogRecord record = Assert.Single(_log.Collector.GetSnapshot());
        Assert.Equal(LogLevel.Warning, record.Level);
        Assert.Contains("5242880 bytes", record.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_null_argument_is_the_callers_mistake()
    {
        Assert.Throws<ArgumentNullException>(() => new PageFoldDistributedCache(null!));
        Assert.Throws<ArgumentNullException>(() => _distributed.Get(null!));
        Assert.Throws<ArgumentNullException>(() => _distributed.TryGet("a", null!));
        Assert.Throws<ArgumentNullException>(() => _distributed.Set("a", null!, Forever));
        Assert.Throws<ArgumentNullException>(() => _distributed.Set("a", [1], null!));
        Assert.Throws<ArgumentNullException>(() => _distributed.Set(null!, [1], Forever));
        Assert.Throws<ArgumentNullException>(() => _distributed.Refresh(null!));
        Assert.Throws<ArgumentNullException>(() => _distributed.Remove(null!));
    }

    private string[] Present(params string[] keys) => [.. keys.Where(_cache.Contains)];

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long at)
        {
            Memory = memory;
            RunningIndex = at;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            Segment next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
