using System.Globalization;
using PageFold.Caching.Entries;
using PageFold.Caching.Records;
using PageFold.Caching.Tests.Coding;
using PageFold.Caching.Tests.Expiry;

namespace PageFold.Caching.Tests.Saving;

public class SaveAndLoadTests
{
    [Fact]
    public void Trained_tables_come_back_as_the_current_ones_and_values_as_they_were_stored()
    {
        using CompressedCache cache = SavedCaches.Make(compression: CacheCompression.Trained);
        Assert.True(cache.Parts.Coding.TryPublish(Values.OrderTables));
        for (int i = 0; i < 2000; i++)
            cache.Set($"order {i}", Values.Order(i));
        MemoryStream stream = SavedCaches.Save(cache, out _);
        using CompressedCache other = SavedCaches.Make(compression: CacheCompression.Trained, seed: 9);
        other.Set("before", Values.Order(1));
        Assert.Equal(2000, other.Load(stream).Loaded);
        Assert.Equal(Values.OrderTables, other.Parts.Coding.Versions.Current.Tables.ToArray());
        Assert.Equal(2000, other.Parts.Coding.Versions.Current.References);
        Assert.InRange(other.GetStatistics().StoredBytes, 1, cache.GetStatistics().StoredBytes + 300);
        for (int i = 0; i < 2000; i++)
            Assert.Equal(Values.Order(i), SavedCaches.Get(other, $"order {i}"));

        // Again: the tables are there already. And the references end with the entries.
        stream.Position = 0;
        Assert.Equal(new CacheLoadResult(0, 0, 2000, 0), other.Load(stream));
        Assert.Single(other.Parts.Coding.Versions.All);
        other.Clear();
        Assert.Equal(0, other.Parts.Coding.Versions.Current.References);
    }

    [Fact]
    public void Tables_that_are_not_the_current_ones_go_with_their_last_entry()
    {
        using CompressedCache cache = SavedCaches.Make(compression: CacheCompression.Trained);
        cache.Parts.Coding.TryPublish(Values.OrderTables);
        cache.Set("order", Values.Order(1));
        cache.Parts.Coding.TryPublish(Values.PageTables);
        cache.Set("page", Values.Page(1));
        MemoryStream stream = SavedCaches.Save(cache, out _);
        using CompressedCache other = SavedCaches.Make(compression: CacheCompression.Trained);
        Assert.Equal(2, other.Load(stream).Loaded);
        Assert.Equal(Values.PageTables, other.Parts.Coding.Versions.Current.Tables.ToArray());
        Assert.Equal(2, other.Parts.Coding.Versions.All.Length);
        Assert.Equal(Values.Order(1), SavedCaches.Get(other, "order"));
        other.Remove("order");
        Assert.Single(other.Parts.Coding.Versions.All);
        Assert.Equal(2, cache.Parts.Coding.Versions.All.Length);
        cache.Remove("order");
        Assert.Single(cache.Parts.Coding.Versions.All);
    }

    [Fact]
    public void A_key_that_has_a_value_keeps_it()
    {
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("a", "old"u8);
        cache.Set("b", "old"u8);
        MemoryStream stream = SavedCaches.Save(cache, out _);
        cache.Set("a", "new"u8);
        cache.Remove("b");
        Assert.Equal(new CacheLoadResult(1, 0, 1, 0), cache.Load(stream));
        Assert.Equal("new"u8.ToArray(), SavedCaches.Get(cache, "a"));
        Assert.Equal("old"u8.ToArray(), SavedCaches.Get(cache, "b"));
    }

    [Fact]
    public void Dead_and_damaged_entries_are_left_out()
    {
        SettableTime time = SavedCaches.Time();
        using CompressedCache cache = SavedCaches.Make(time);
        byte[] large = new byte[200_000];
        Array.Fill(large, (byte)7, 1000, 50_000);
        cache.Set("good", Values.Order(1), new CacheEntryPolicy { Tags = ["b"] });
        cache.Set("expired", Values.Order(2), new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(1) });
        cache.Set("dead", Values.Order(3), new CacheEntryPolicy { Tags = ["a", "b"] });
        cache.Set("damaged", Values.Order(4));
        cache.Set("good and large", large);
        cache.Set("damaged and large", large);
        time.Pass(TimeSpan.FromMilliseconds(1100));
        cache.RemoveByTag("a");
        Damage(cache, "damaged");
        Damage(cache, "damaged and large");
        MemoryStream stream = SavedCaches.Save(cache, out CacheSaveResult saved);
        Assert.Equal(2, saved.Entries);
        using CompressedCache other = SavedCaches.Make(time);
        Assert.Equal(2, other.Load(stream).Loaded);
        Assert.Equal(Values.Order(1), SavedCaches.Get(other, "good"));
        Assert.Equal(large, SavedCaches.Get(other, "good and large"));
    }

    [Fact]
    public void A_clock_that_was_set_back_lengthens_no_time()
    {
        SettableTime time = SavedCaches.Time();
        using CompressedCache cache = SavedCaches.Make(time);
        cache.Set("a", "x"u8, new CacheEntryPolicy { Expiration = TimeSpan.FromSeconds(60) });
        MemoryStream stream = SavedCaches.Save(cache, out _);
        SettableTime back = SavedCaches.Time(time.UtcNow.AddDays(-1));
        using CompressedCache other = SavedCaches.Make(back);
        other.Load(stream);
        back.Pass(TimeSpan.FromSeconds(59));
        Assert.True(other.Contains("a"));
        back.Pass(TimeSpan.FromSeconds(1));
        Assert.False(other.Contains("a"));
    }

    [Fact]
    public void A_smaller_cache_keeps_to_its_limit_and_keeps_what_was_used()
    {
        using CompressedCache cache = SavedCaches.Make();
        for (int i = 0; i < 8_000; i++)
            cache.Set($"key {i}", Values.Noise(i, 1000));
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 8_000; i += 10)
                SavedCaches.Get(cache, $"key {i}");
        }
        MemoryStream stream = SavedCaches.Save(cache, out CacheSaveResult saved);
        using CompressedCache small = SavedCaches.Make(limit: 5 << 20);
        CacheLoadResult loaded = small.Load(stream);
        Assert.Equal(saved.Entries, loaded.Loaded);
        Assert.InRange(small.UsedBytes, 3 << 20, 5 << 20);
        int used = Enumerable.Range(0, 8_000).Count(i => i % 10 == 0 && small.Contains($"key {i}"));
        Assert.InRange(used, 600, 800);
    }

    [Fact]
    public void Values_that_are_too_large_for_the_options_are_refused()
    {
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("large", new byte[5000]);
        cache.Set("small", new byte[500]);
        MemoryStream stream = SavedCaches.Save(cache, out _);
        using CompressedCache other = SavedCaches.Make(maxValueBytes: 4999);
        Assert.Equal(new CacheLoadResult(1, 0, 0, 1), other.Load(stream));
    }

    [Fact]
    public void The_heap_of_the_collector_does_not_grow_with_the_entries()
    {
        using CompressedCache cache = SavedCaches.Make();
        Fill(1000);
        (long save, long load) = Measure();
        (save, load) = Measure();
        Fill(20_000);
        (long saveMany, long loadMany) = Measure();
        Assert.InRange(saveMany, 0, save + 20_000);
        Assert.InRange(loadMany, 0, load + 20_000);

        void Fill(int count)
        {
            for (int i = 0; i < count; i++)
                cache.Set(i.ToString(CultureInfo.InvariantCulture), Values.Order(i % 50), new CacheEntryPolicy { Tags = ["a"] });
        }

        (long Save, long Load) Measure()
        {
            MemoryStream stream = new(64 << 20);
            long before = GC.GetAllocatedBytesForCurrentThread();
            cache.Save(stream);
            long between = GC.GetAllocatedBytesForCurrentThread();
            using CompressedCache other = SavedCaches.Make();
            other.Set("begun", "x"u8);
            stream.Position = 0;
            long begun = GC.GetAllocatedBytesForCurrentThread();
            other.Load(stream);
            return (between - before, GC.GetAllocatedBytesForCurrentThread() - begun);
        }
    }

    [Fact]
    public async Task Entries_that_are_there_throughout_are_saved_whole_while_others_come_and_go()
    {
        using CompressedCache cache = SavedCaches.Make();
        for (int i = 0; i < 2000; i++)
            cache.Set($"stays {i}", Values.Order(i), new CacheEntryPolicy { Tags = ["kept"] });
        using CancellationTokenSource end = new();
        CancellationToken ended = end.Token;
        Task[] writers = [.. Enumerable.Range(0, 2).Select(number => Task.Run(() => Write(cache, number, ended), CancellationToken.None))];
        try
        {
            for (int round = 0; round < 6; round++)
            {
                MemoryStream stream = SavedCaches.Save(cache, out CacheSaveResult saved);
                using CompressedCache other = SavedCaches.Make();
                CacheLoadResult loaded = other.Load(stream);
                Assert.Equal(0, loaded.Refused);
                Assert.Equal(saved.Entries, loaded.Loaded + loaded.Superseded);
                for (int i = 0; i < 2000; i++)
                    Assert.Equal(Values.Order(i), SavedCaches.Get(other, $"stays {i}"));
                foreach (byte[] key in other.Keys)
                {
                    byte[] value = SavedCaches.Get(other, key)!;
                    if (key[0] == 'w')
                        Assert.True(Array.TrueForAll(value, b => b == value[0]));
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(writers);
        }
    }

    [Fact]
    public void A_saved_cache_needs_a_cache_that_is_open()
    {
        using CompressedCache open = SavedCaches.Make();
        MemoryStream stream = SavedCaches.Save(open, out _);
        CompressedCache closed = SavedCaches.Make();
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => closed.Save(new MemoryStream()));
        Assert.Throws<ObjectDisposedException>(() => closed.Load(stream));
    }

    private static void Write(CompressedCache cache, int number, CancellationToken end)
    {
        Random random = new(number);
        while (!end.IsCancellationRequested)
        {
            string key = $"w{random.Next(500)}";
            byte[] value = new byte[random.Next(10) == 0 ? random.Next(150_000) : 1 + random.Next(3000)];
            Array.Fill(value, (byte)random.Next(256));
            cache.Set(key, value.AsSpan(), new CacheEntryPolicy { Tags = random.Next(3) == 0 ? [$"t{random.Next(4)}"] : null });
            if (random.Next(20) == 0)
                cache.RemoveByTag($"t{random.Next(4)}");
            if (random.Next(5) == 0)
                cache.Remove($"w{random.Next(500)}");
            if (random.Next(50) == 0)
                cache.Compact(CancellationToken.None);
        }
    }

    /// <summary>Changes a byte of an entry's stored value, or of its first piece.</summary>
    private static void Damage(CompressedCache cache, string key) => SavedCaches.Look(cache, key, (parts, entry) =>
    {
        ObjectHeap heap = parts.Store.Heap;
        bool inPieces = entry.Header.Is(EntryForms.InPieces);
        HeapObject changed = entry.Object;
        if (inPieces)
        {
            Assert.True(Pieces.TryLocate(heap, entry, Pieces.PlanOf(heap, entry), 0, out ulong first));
            changed = heap.View(new ObjectLocation(first));
        }
        int offset = inPieces ? 100 : entry.StoredOffset;
        byte[] one = new byte[1];
        changed.Read(offset, one);
        one[0] ^= 4;
        changed.Write(offset, one);
        return true;
    });
}
