using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace PageFold.Caching.Ecosystem.Tests;

public sealed class SerializedValuesTests : IDisposable
{
    private readonly CompressedCache _cache = new(new CompressedCacheOptions { MemoryLimit = 8 << 20 });
    private readonly Json<Order> _json = new();

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void A_value_of_a_type_comes_back_equal_and_a_miss_is_the_default()
    {
        Order order = new(7, ["tea", "milk"]);
        Assert.True(_cache.Set("a", order, _json) is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw);
        Assert.True(_cache.TryGet("a", _json, out Order? got));
        Assert.Equal((order.Number, string.Join(',', order.Lines)), (got.Number, string.Join(',', got.Lines)));
        Assert.False(_cache.TryGet("b", _json, out got));
        Assert.Null(got);
    }

    [Fact]
    public void HybridCaches_own_serializers_work()
    {
        using ServiceProvider services = Containers.Build();
        IHybridCacheSerializer<string> text = services.GetRequiredService<IHybridCacheSerializer<string>>();
        IHybridCacheSerializer<byte[]> bytes = services.GetRequiredService<IHybridCacheSerializer<byte[]>>();
        string large = new('x', 300_000);
        _cache.Set("text", large, text);
        _cache.Set("bytes", [1, 2, 3], bytes);
        Assert.True(_cache.TryGet("text", text, out string? gotText));
        Assert.Equal(large, gotText);
        Assert.True(_cache.TryGet("bytes", bytes, out byte[]? gotBytes));
        Assert.Equal((byte[])[1, 2, 3], gotBytes);
    }

    /// <summary>FusionCache#613 and #625: what is removed while it is loaded is stored all the same.</summary>
    [Fact]
    public void A_value_that_was_removed_while_it_was_loaded_is_not_stored()
    {
        Assert.False(_cache.TryGet("a", _json, out _, out CacheMissToken token));
        _cache.Remove("a");
        Assert.Equal(CacheSetOutcome.Superseded, _cache.Set("a", new Order(1, []), _json, token: token));
        Assert.False(_cache.Contains("a"));

        Assert.False(_cache.TryGet("a", _json, out _, out token));
        _cache.Set("a", new Order(2, []), _json);
        Assert.Equal(CacheSetOutcome.Superseded, _cache.Set("a", new Order(1, []), _json, token: token));
        Assert.True(_cache.TryGet("a", _json, out Order? got));
        Assert.Equal(2, got.Number);
    }

    [Fact]
    public void A_serializer_that_uses_the_cache_itself_gets_a_buffer_of_its_own()
    {
        _cache.Set("inner", new Order(1, ["inner"]), _json);
        Nested nested = new(_cache, _json);
        _cache.Set("outer", new Order(2, ["outer"]), nested);
        Assert.True(_cache.TryGet("outer", nested, out Order? got));
        Assert.Equal("outer", Assert.Single(got.Lines));
    }

    [Fact]
    public void What_a_serializer_throws_reaches_the_caller_and_the_next_call_works()
    {
        Broken broken = new();
        _cache.Set("a", new Order(1, ["a"]), _json);
        Assert.Throws<FormatException>(() => _cache.Set("a", new Order(2, []), broken));
        Assert.Throws<FormatException>(() => _cache.TryGet("a", broken, out _));
        Assert.True(_cache.TryGet("a", _json, out Order? got));
        Assert.Equal(1, got.Number);
    }

    [Fact]
    public void Missing_arguments_are_refused()
    {
        Assert.Throws<ArgumentNullException>(() => _cache.TryGet("a", (IHybridCacheSerializer<Order>)null!, out _));
        Assert.Throws<ArgumentNullException>(() => _cache.Set("a", new Order(1, []), null!));
        Assert.Throws<ArgumentNullException>(() => SerializedValues.TryGet(null!, "a", _json, out _));
        Assert.Throws<ArgumentNullException>(() => _cache.TryGet(null!, _json, out _));
    }

    private sealed record Order(int Number, string[] Lines);

    private class Json<T> : IHybridCacheSerializer<T>
    {
        public virtual T Deserialize(ReadOnlySequence<byte> source)
        {
            Utf8JsonReader reader = new(source);
            return JsonSerializer.Deserialize<T>(ref reader)!;
        }

        public virtual void Serialize(T value, IBufferWriter<byte> target)
        {
            using Utf8JsonWriter writer = new(target);
            JsonSerializer.Serialize(writer, value);
        }
    }

    private sealed class Nested(CompressedCache cache, Json<Order> inner) : Json<Order>
    {
        public override Order Deserialize(ReadOnlySequence<byte> source)
        {
            Assert.True(cache.TryGet("inner", inner, out Order? got));
            Assert.Equal("inner", Assert.Single(got.Lines));
            return base.Deserialize(source);
        }

        public override void Serialize(Order value, IBufferWriter<byte> target)
        {
            cache.Set("inner", new Order(1, ["inner"]), inner);
            base.Serialize(value, target);
        }
    }

    private sealed class Broken : Json<Order>
    {
        public override Order Deserialize(ReadOnlySequence<byte> source) => throw new FormatException();

        public override void Serialize(Order value, IBufferWriter<byte> target)
        {
            target.Write("{"u8);
            throw new FormatException();
        }
    }
}
