using System.Buffers;
using System.Text;

namespace PageFold.Caching.Tests;

/// <summary>What each member of the cache does.</summary>
public class CompressedCacheTests
{
    public static TheoryData<int> Lengths =>
    [
        0, 1, 2, 15, 16, 17, 255, 1000, .. Enumerable.Range(4000, 201), (64 << 10) - 1, 64 << 10, (64 << 10) + 1, (128 << 10) + 3, 1 << 20,
    ];

    [Fact]
    public void A_value_of_any_length_comes_back_whole_whether_it_compresses_or_not()
    {
        using CompressedCache cache = TestCaches.Make(32 << 20);
        foreach (int length in Lengths.Select(row => row.Data))
        {
            foreach (bool compresses in (bool[])[false, true])
            {
                byte[] value = compresses ? Content.Compressible(length, 7) : Content.Of(length, 7);
                CacheSetOutcome outcome = cache.Set("key", value);
                Assert.True(outcome.IsStored(), $"{outcome} for {length} bytes");
                Content.AssertSame(value, cache.Get("key"), $"{length} bytes");
                Assert.Equal(3 + length, cache.GetStatistics().OriginalBytes);
                if (length > 0)
                {
                    Assert.Equal(CacheGetOutcome.TooSmall, cache.TryGet("key", new byte[length - 1], out int needed));
                    Assert.Equal(length, needed);
                }
            }
        }
        cache.Clear();
        Assert.Equal((0, 0, 0), Sums(cache));
    }

    [Fact]
    public void A_value_of_twenty_megabytes_comes_back_whole_and_goes_whole()
    {
        using CompressedCache cache = TestCaches.Make(128 << 20);
        byte[] value = Content.Of(20 << 20, 3);
        Assert.Equal(CacheSetOutcome.StoredRaw, cache.Set("large", value));
        Content.AssertSame(value, cache.Get("large"), "20 MiB");
        Content.Fill(value, 4);
        Assert.Equal(CacheSetOutcome.StoredRaw, cache.Set("large", new ReadOnlySequence<byte>(value)));
        cache.Compact(TestContext.Current.CancellationToken);
        ArrayBufferWriter<byte> writer = new();
        Assert.True(cache.TryGet("large", writer));
        Content.AssertSame(value, writer.WrittenSpan, "20 MiB");
        Assert.True(cache.Remove("large"));
        Assert.Equal((0, 0, 0), Sums(cache));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(383)]
    [InlineData(384)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(65_535)]
    public void A_key_of_any_length_names_its_value_as_a_string_and_as_its_bytes(int length)
    {
        using CompressedCache cache = TestCaches.Make();
        string key = new('k', length);
        byte[] bytes = TestCaches.Utf8(key);
        foreach (int size in (int[])[0, 10, 3000, 5000, 70_000])
        {
            byte[] value = Content.Compressible(size, 9);
            Assert.True(cache.Set(key, value).IsStored());
            byte[] found = new byte[size];
            Assert.Equal(CacheGetOutcome.Hit, cache.TryGet(bytes, found, out int got));
            Assert.Equal(size, got);
            Content.AssertSame(value, found, $"key of {length}, value of {size}");
            Assert.True(cache.Contains(bytes) && cache.Touch(key));
            Assert.Equal([bytes], cache.Keys.ToArray());
            Assert.True(cache.Remove(bytes));
            Assert.False(cache.Contains(key) || cache.Remove(key) || cache.Touch(bytes));
            Assert.True(cache.Set(bytes, value).IsStored());
            Content.AssertSame(value, cache.Get(key), $"key of {length}, value of {size}");
        }
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void A_key_that_is_null_too_long_or_no_text_is_refused_by_every_member()
    {
        using CompressedCache cache = TestCaches.Make();
        ArrayBufferWriter<byte> writer = new();
        Action<string>[] members =
        [
            key => cache.TryGet(key, [], out _), key => cache.TryGet(key, [], out _, out _), key => cache.TryGet(key, writer),
            key => cache.TryGet(key, writer, out _), key => cache.Set(key, []), key => cache.Set(key, ReadOnlySequence<byte>.Empty),
            key => cache.Remove(key), key => cache.Contains(key), key => cache.Touch(key),
            key => cache.GetMany([key], [], new CacheValueRange[1]),
        ];
        foreach (Action<string> member in members)
        {
            Assert.Throws<ArgumentNullException>("key", () => member(null!));
            foreach (string noText in (string[])["\ud800", "a\udc00", "\ud800b", new string('x', 500) + '\udfff'])
            {
                string message = Assert.Throws<ArgumentException>("key", () => member(noText)).Message;
                Assert.Contains("surrogate", message, StringComparison.Ordinal);
            }
            string tooLong = Assert.Throws<ArgumentException>("key", () => member(new string('k', 65_536))).Message;
            Assert.Contains("65,535", tooLong, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>("key", () => member(new string('€', 21_846)));
        }
        Assert.Throws<ArgumentException>("key", () => cache.Set(new byte[65_536], []));
        Assert.Throws<ArgumentException>("key", () => cache.TryGet(new byte[65_536], [], out _));
        Assert.Throws<ArgumentNullException>(() => cache.TryGet("k", (IBufferWriter<byte>)null!));
        Assert.True(cache.Set(new string('€', 21_845), [1]).IsStored());
        Assert.True(cache.Set("\ud83d\ude00", [2]).IsStored());
        Assert.Equal([2], cache.Get("\ud83d\ude00"));
        Assert.True(cache.Contains(TestCaches.Utf8("\ud83d\ude00")));
    }

    [Fact]
    public void A_miss_writes_nothing_and_has_no_length()
    {
        using CompressedCache cache = TestCaches.Make();
        byte[] untouched = Content.Of(100, 1);
        byte[] destination = [.. untouched];
        Assert.Equal(CacheGetOutcome.Miss, cache.TryGet("none", destination, out int length));
        Assert.Equal(0, length);
        cache.Set("k", Content.Of(200, 2));
        Assert.Equal(CacheGetOutcome.TooSmall, cache.TryGet("k", destination, out length));
        Assert.Equal(200, length);
        Assert.Equal(untouched, destination);
        ArrayBufferWriter<byte> writer = new();
        Assert.False(cache.TryGet("none", writer));
        Assert.Equal(0, writer.WrittenCount);
    }

    [Fact]
    public void A_buffer_writer_receives_values_one_after_the_other()
    {
        using CompressedCache cache = TestCaches.Make();
        cache.Set("a", Content.Of(10, 1));
        cache.Set("b", Content.Of(100_000, 2));
        cache.Set("empty", []);
        ArrayBufferWriter<byte> writer = new();
        Assert.True(cache.TryGet("a", writer) && cache.TryGet("b", writer) && cache.TryGet("empty", writer));
        Assert.True(cache.TryGet("a", writer, out CacheMissToken token));
        Assert.Equal(default, token);
        Content.AssertSame([.. Content.Of(10, 1), .. Content.Of(100_000, 2), .. Content.Of(10, 1)], writer.WrittenSpan, "three values");
    }

    [Fact]
    public void A_batch_tells_of_each_key_what_was_found_and_where()
    {
        using CompressedCache cache = TestCaches.Make();
        cache.Set("a", [1, 2, 3]);
        cache.Set("b", Content.Of(90, 1));
        cache.Set("c", [4]);
        byte[] destination = new byte[10];
        CacheValueRange[] ranges = new CacheValueRange[5];
        Assert.Equal(3, cache.GetMany(["a", "none", "b", "c", "a"], destination, ranges));
        Assert.Equal(
            [
                new(CacheGetOutcome.Hit, 0, 3), new(CacheGetOutcome.Miss, 3, 0), new(CacheGetOutcome.TooSmall, 3, 90),
                new(CacheGetOutcome.Hit, 3, 1), new(CacheGetOutcome.Hit, 4, 3),
            ], ranges);
        Assert.Equal([1, 2, 3, 4, 1, 2, 3], destination[..7]);
        Assert.Equal(0, cache.GetMany([], destination, []));
        string tooFew = Assert.Throws<ArgumentException>(() => cache.GetMany(["a", "b"], destination, ranges.AsSpan(0, 1))).Message;
        Assert.Contains("1 ranges for 2 keys", tooFew, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_that_is_refused_removes_the_old_value()
    {
        ManualClock clock = new();
        using CompressedCache cache = TestCaches.Make(4 << 20, clock);
        (CacheSetOutcome, Func<CacheSetOutcome>)[] refusals =
        [
            (CacheSetOutcome.TooLarge, () => cache.Set("k", Content.Of(2 << 20, 1))),
            (CacheSetOutcome.TooLarge, () => cache.Set("k", new byte[(64 << 20) + 1])),
            (CacheSetOutcome.AlreadyExpired, () => cache.Set("k", [1], new CacheEntryPolicy { Expiration = TimeSpan.Zero })),
            (CacheSetOutcome.AlreadyExpired, () => cache.Set("k", [1], new CacheEntryPolicy { Expiration = TimeSpan.MinValue })),
            (CacheSetOutcome.AlreadyExpired, () => cache.Set("k", [1], new CacheEntryPolicy { ExpiresAt = clock.GetUtcNow() })),
            (CacheSetOutcome.AlreadyExpired, () => cache.Set("k", [1], new CacheEntryPolicy { ExpiresAt = DateTimeOffset.MinValue })),
            (CacheSetOutcome.AlreadyExpired, () => cache.Set("k", [1], new CacheEntryPolicy { SlidingExpiration = TimeSpan.Zero })),
        ];
        foreach ((CacheSetOutcome expected, Func<CacheSetOutcome> refuse) in refusals)
        {
            Assert.True(cache.Set("k", [9]).IsStored());
            Assert.Equal(expected, refuse());
            Assert.False(cache.Contains("k"));
        }
        Assert.Equal(refusals.Length, cache.GetStatistics().Refused);
        Assert.Equal((0, 0, 0), Sums(cache));
    }

    [Fact]
    public void Tags_that_no_entry_can_have_are_refused()
    {
        using CompressedCache cache = TestCaches.Make();
        Assert.Throws<ArgumentException>("Tags", () => cache.SetTagged("k", [1], "ok", ""));
        Assert.Throws<ArgumentException>("Tags", () => cache.SetTagged("k", [1], null!, "b"));
        Assert.Throws<ArgumentException>("Tags", () => cache.SetTagged("k", [1], new string('t', 65_536)));
        Assert.Throws<ArgumentException>("Tags", () => cache.SetTagged("k", [1], [.. Enumerable.Range(0, 256).Select(i => $"{i}")]));
        Assert.Throws<ArgumentNullException>(() => cache.RemoveByTag(null!));
        Assert.Throws<ArgumentException>(() => cache.RemoveByTag(""));
        string[] most = [.. Enumerable.Range(0, 255).Select(i => $"tag {i}")];
        foreach (int length in (int[])[0, 100, 3000, 3500, 4000, 100_000])
        {
            Assert.True(cache.SetTagged("k", Content.Of(length, 1), most).IsStored());
            Content.AssertSame(Content.Of(length, 1), cache.Get("k"), "a value with 255 tags");
        }
        cache.RemoveByTag("tag 254");
        Assert.Null(cache.Get("k"));
        Assert.True(cache.SetTagged("k", [1], new string('t', 65_535)).IsStored());
    }

    [Fact]
    public void Keys_lists_each_entry_once_while_nothing_changes()
    {
        using CompressedCache cache = TestCaches.Make();
        string[] keys = [.. Enumerable.Range(0, 5000).Select(i => $"key {i}")];
        foreach (string key in keys)
            cache.Set(key, [1]);
        Assert.Equal(keys.Order(), cache.Keys.Select(Encoding.UTF8.GetString).Order());
        using IEnumerator<byte[]> left = cache.Keys.GetEnumerator();
        Assert.True(left.MoveNext());
        cache.Clear();
        Assert.Empty(cache.Keys);
    }

    [Fact]
    public void After_Dispose_every_operation_throws()
    {
        CompressedCache cache = TestCaches.Make();
        cache.Set("k", [1]);
        IEnumerable<byte[]> keys = cache.Keys;
        cache.Dispose();
        cache.Dispose();
        Action[] members =
        [
            () => cache.TryGet("k", [], out _), () => cache.TryGet("k", new ArrayBufferWriter<byte>()), () => cache.Set("k", [1]),
            () => cache.Set("k", new byte[70 << 20]), () => cache.Remove("k"), () => cache.RemoveByTag("t"), () => cache.Contains("k"),
            () => cache.Touch("k"), () => cache.Clear(), () => cache.Trim(0), () => cache.Compact(), () => cache.RemoveExpired(),
            () => cache.GetStatistics(), () => cache.MemoryLimit = 4 << 20, () => _ = cache.Keys, () => _ = keys.Count(),
            () => cache.SetTagged("k", [1], "t"), () => cache.GetMany(["k"], [], new CacheValueRange[1]),
        ];
        foreach (Action member in members)
            Assert.Throws<ObjectDisposedException>(member);
    }

    [Fact]
    public void A_buffer_writer_that_gives_less_than_it_is_asked_for_is_refused()
    {
        using CompressedCache cache = TestCaches.Make();
        cache.Set("k", new byte[5000]);
        InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(() => cache.TryGet("k", new MeanWriter()));
        Assert.Contains("returned 1024 bytes when it was asked for at least 5000", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_tags_that_changes_while_it_is_read_leaves_no_reference()
    {
        using CompressedCache cache = TestCaches.Make();
        for (int i = 0; i < 10; i++)
            Assert.Throws<ArgumentException>(() => cache.Set("k", [1], new CacheEntryPolicy { Tags = new ChangingTags() }));
        Assert.Equal(0, cache.Parts.Tags.Count);
        Assert.False(cache.Contains("k"));
    }

    private static (long Entries, long Original, long Stored) Sums(CompressedCache cache)
    {
        CompressedCacheStatistics figures = cache.GetStatistics();
        return (figures.Entries, figures.OriginalBytes, figures.StoredBytes);
    }

    [Fact]
    public void A_callback_is_not_told_of_what_an_operation_of_another_cache_left_behind()
    {
        List<byte[]> told = [];
        using CompressedCache one = TestCaches.Make(onEviction: (_, _) => { });
        using CompressedCache other = TestCaches.Make(onEviction: (key, _) => told.Add(key.ToArray()));
        one.Set("one", [1]);
        other.Set("other", [1]);
        // As if an exception had ended the operation before it told.
        using (one.Parts.Enter())
            Assert.True(one.Parts.Removal.TryRemove(new Entries.CacheKey("one"u8, 1), CacheEvictionReason.Removed));
        other.Remove("other");
        Assert.Equal(["other"u8.ToArray()], told);
    }

    private sealed class MeanWriter : IBufferWriter<byte>
    {
        public void Advance(int count) => Assert.Fail("Nothing was written.");

        public Memory<byte> GetMemory(int sizeHint = 0) => new byte[1024];

        public Span<byte> GetSpan(int sizeHint = 0) => new byte[1024];
    }

    /// <summary>Two tags, the second of which is empty when it is read again.</summary>
    private sealed class ChangingTags : IReadOnlyList<string>
    {
        private int _reads;

        public int Count => 2;

        public string this[int index] => index == 1 && ++_reads > 1 ? "" : "t";

        public IEnumerator<string> GetEnumerator() => throw new NotSupportedException();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => throw new NotSupportedException();
    }
}
