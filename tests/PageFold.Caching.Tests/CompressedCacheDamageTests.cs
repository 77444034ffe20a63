namespace PageFold.Caching.Tests;

/// <summary>Damaged bytes are a miss and never a value; damaged pinned entries throw.</summary>
public class CompressedCacheDamageTests
{
    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(20_000)]
    public void A_damaged_byte_of_an_entry_is_never_a_wrong_value(int length)
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        byte[] value = Content.Compressible(length, 1);
        byte[] destination = new byte[length + 10];
        int missed = 0;
        cache.Set("other", value, new CacheEntryPolicy { Tags = ["a", "b"] });
        for (int at = 0; at < 60; at++)
        {
            cache.Set("key", value, new CacheEntryPolicy { Tags = ["a", "b"], Expiration = TimeSpan.FromDays(1) });
            // The deadline lies behind what is checked.
            if (!cache.Damage("key", checkedBytes => at < 30 ? at % checkedBytes : checkedBytes - 1 - at % checkedBytes))
                continue;
            CacheGetOutcome outcome = cache.TryGet("key", destination, out int got);
            if (outcome == CacheGetOutcome.Miss)
            {
                missed++;
                Assert.Equal(0, got);
                IReadOnlyDictionary<CacheEvictionReason, long> gone = cache.GetStatistics().Evictions;
                Assert.Equal(missed, gone[CacheEvictionReason.Corrupt] + gone[CacheEvictionReason.Expired] + gone[CacheEvictionReason.Tag]);
            }
            if (outcome == CacheGetOutcome.Hit)
                Content.AssertSame(value, destination.AsSpan(0, got), $"damaged at {at}");
            Assert.True(cache.Set("key", value).IsStored());
            Content.AssertSame(value, cache.Get("key"), "set again");
            Assert.Equal(2, cache.Count);
            cache.Remove("key");
        }
        Assert.True(missed > 40 && cache.GetStatistics().Evictions[CacheEvictionReason.Corrupt] > 40, $"{missed} misses");
        Content.AssertSame(value, cache.Get("other"), "an entry with the same tags");
    }

    [Fact]
    public void A_damaged_length_is_not_told()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        byte[] value = Content.Compressible(300, 1);
        int missed = 0;
        for (int bit = 0; bit < 64; bit++)
        {
            Assert.True(cache.Set("key", value).IsStored());
            Assert.True(cache.Damage("key", _ => bit / 8, (byte)(1 << bit % 8)));
            CacheGetOutcome outcome = cache.TryGet("key", [], out int length);
            Assert.Equal((CacheGetOutcome.Miss, 0), (outcome, length));
            missed++;
        }
        Assert.Equal(missed, cache.GetStatistics().Evictions[CacheEvictionReason.Corrupt]);
    }

    [Fact]
    public void Damage_does_not_make_an_entry_pinned_or_take_that_from_it()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        byte[] value = Content.Compressible(300, 1);
        Entries.ResidentCounts counts = cache.Parts.Store.Residents;
        cache.SetPinned("pinned"u8, value);
        cache.SetPinned("also pinned"u8, value);
        long pinned = counts.PinnedBytes;
        for (int i = 0; i < 20; i++)
        {
            cache.Set($"key {i}", value);
            Assert.True(cache.Damage($"key {i}", _ => 0, 0x20));
        }
        Assert.True(cache.Damage("pinned", _ => 0, 0x20));
        // The damaged ones go, as all that are not pinned do.
        cache.Trim(0);
        Assert.Equal((2, pinned), (cache.Count, counts.PinnedBytes));
        Assert.Throws<CacheCorruptException>(() => cache.Get("pinned"));
        Content.AssertSame(value, cache.Get("also pinned"), "an undamaged pinned entry");
        Assert.True(cache.Set("pinned", value).IsStored());
        cache.Clear();
        Assert.Equal((0, 0, 0), (counts.SmallEntries + counts.MainEntries, counts.SmallBytes + counts.MainBytes, counts.PinnedBytes));
    }

    [Fact]
    public void A_damaged_piece_of_a_large_value_is_a_miss()
    {
        using CompressedCache cache = TestCaches.Make(16 << 20);
        byte[] value = Content.Of(200_000, 1);
        cache.Set("key", value);
        Assert.True(DamagePiece(cache, "key", piece: 20));
        Assert.Null(cache.Get("key"));
        Assert.Equal(1, cache.GetStatistics().Evictions[CacheEvictionReason.Corrupt]);
        Assert.Equal((0, 0, 0), (cache.Count, cache.GetStatistics().OriginalBytes, cache.GetStatistics().StoredBytes));
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(4_000_000)]
    public void A_damaged_list_of_pieces_is_a_miss(int length)
    {
        using CompressedCache cache = TestCaches.Make(64 << 20);
        byte[] value = Content.Of(length, 1);
        for (int at = 0; at < 12; at++)
        {
            Assert.True(cache.Set("key", value).IsStored());
            // The list lies behind what is checked.
            Assert.True(cache.Damage("key", checkedBytes => checkedBytes + at));
            Assert.Null(cache.Get("key"));
            Assert.False(cache.Contains("key"));
        }
        Assert.True(cache.Set("key", value).IsStored());
        cache.Compact(TestContext.Current.CancellationToken);
        Content.AssertSame(value, cache.Get("key"), "set again");
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x10)]
    [InlineData(0x20)]
    [InlineData(0xFF)]
    public void Each_damaged_byte_of_a_pinned_entry_throws_until_the_key_is_set_or_removed(byte mask)
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        byte[] key = TestCaches.Utf8("marker");
        byte[] value = Content.Of(40, 1);
        int bytes = 0;
        for (int at = 0; at == 0 || at < bytes; at++)
        {
            Assert.True(cache.SetPinned(key, value).IsStored());
            Assert.True(cache.SetPinned(TestCaches.Utf8("another"), value).IsStored());
            Assert.True(cache.Damage("marker", length => at % (bytes = length), mask));
            Assert.Throws<CacheCorruptException>(() => cache.TryGet(key, new byte[100], out _));
            cache.Trim(0);
            Assert.Throws<CacheCorruptException>(() => cache.TryGet(key, new byte[100], out _));
            if (at % 2 == 0)
                Assert.True(cache.Remove(key));
            else
                Assert.True(cache.SetPinned(key, value).IsStored());
            Assert.Equal(at % 2 != 0, cache.Contains(key));
            Assert.Equal(at % 2 != 0, cache.TryGet(key, new byte[100], out _) == CacheGetOutcome.Hit);
            cache.Remove(key);
            Assert.Equal(1, cache.Count);
        }
        Assert.InRange(bytes, 40, 100);
    }

    [Fact]
    public void Pinned_entries_are_never_evicted_and_have_a_sixteenth_of_the_limit()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        int pinned = 0;
        while (cache.SetPinned(TestCaches.Utf8($"pinned {pinned}"), Content.Of(1000, (ulong)pinned)).IsStored())
            pinned++;
        Assert.InRange(pinned * 1000L, (4 << 20) / 20, (4 << 20) / 16);
        // At the cap the older ones stay, and are replaced in place.
        Assert.Equal(CacheSetOutcome.NoMemory, cache.SetPinned("new"u8, new byte[1000]));
        Assert.Equal(CacheSetOutcome.NoMemory, cache.SetPinned("pinned 0"u8, Content.Of(3000, 1)));
        Content.AssertSame(Content.Of(1000, 0), cache.Get("pinned 0"), "after a set that was refused");
        Assert.True(cache.SetPinned("pinned 1"u8, Content.Of(1000, 77)).IsStored());
        for (int i = 0; i < 20_000; i++)
            cache.Set($"key {i}", Content.Of(500, (ulong)i));
        cache.Trim(0);
        for (int i = 2; i < pinned; i++)
            Content.AssertSame(Content.Of(1000, (ulong)i), cache.Get($"pinned {i}"), $"pinned {i}");
        Content.AssertSame(Content.Of(1000, 77), cache.Get("pinned 1"), "replaced at the cap");
        Assert.Equal(pinned, cache.Count);
        cache.Clear();
        Assert.True(cache.SetPinned("new"u8, new byte[1000]).IsStored());
    }

    [Fact]
    public void An_ordinary_set_takes_the_place_of_a_pinned_entry_and_back()
    {
        using CompressedCache cache = TestCaches.Make(4 << 20);
        for (int i = 0; i < 5000; i++)
        {
            Assert.True(cache.SetPinned("k"u8, Content.Of(1000, 1)).IsStored());
            Assert.True(cache.Set("k", Content.Of(1000, 2)).IsStored());
            Assert.Equal(1, cache.Count);
        }
        Assert.Equal(0, TestCaches.PartsOf(cache).Store.Residents.PinnedBytes);
        cache.Trim(0);
        Assert.Equal(0, cache.Count);
    }

    private static bool DamagePiece(CompressedCache cache, string key, int piece)
    {
        Entries.EntryStore store = TestCaches.PartsOf(cache).Store;
        byte[] bytes = TestCaches.Utf8(key);
        Entries.CacheKey keyed = new(bytes, 1);
        using HeapAccess access = store.Heap.Enter();
        PageFold.Caching.Index.SharedKey held = store.Index.LockShared(keyed.Hash);
        try
        {
            if (!store.TryFind(ref held, keyed, out _, out Entries.EntryView entry, out _))
                return false;
            Assert.True(Entries.Pieces.TryLocate(store.Heap, entry, Entries.Pieces.PlanOf(store.Heap, entry), piece, out ulong location));
            store.Heap.View(new ObjectLocation(location)).Write(100, [1, 2, 3, 4]);
            return true;
        }
        finally
        {
            held.Dispose();
        }
    }
}
