using System.Buffers.Binary;
using PageFold.Caching.Saving;
using PageFold.Caching.Tests.Coding;

namespace PageFold.Caching.Tests.Saving;

public class RefusedFilesTests
{
    [Fact]
    public void Every_change_of_a_byte_and_every_cut_is_refused_and_changes_nothing()
    {
        byte[] file = Small(tables: false);
        using CompressedCache cache = WithOne();
        for (int i = 0; i < file.Length; i++)
        {
            byte[] changed = (byte[])file.Clone();
            changed[i] ^= (byte)(1 << i % 8);
            AssertRefused(cache, changed);
            AssertRefused(cache, file[..i]);
        }
        AssertRefused(cache, [.. file, 0]);
        Assert.True(cache.Load(new MemoryStream(file)).Loaded > 0);
    }

    [Fact]
    public void Changes_of_a_file_with_tables_are_refused()
    {
        byte[] file = Small(tables: true);
        using CompressedCache cache = WithOne();
        Gen.Select(Gen.Int[0, file.Length - 1], Gen.Byte[1, 255]).Sample((place, change) =>
        {
            byte[] changed = (byte[])file.Clone();
            changed[place] ^= change;
            AssertRefused(cache, changed);
        }, iter: 300, threads: 1);
    }

    [Fact]
    public void Blocks_that_changed_places_are_refused()
    {
        byte[] file = Save(cache =>
        {
            for (int i = 0; i < 800; i++)
                cache.Set($"{i}", Values.Noise(i, 1000));
        }, CacheCompression.None);
        const int block = SaveFormat.BlockHeaderBytes + SaveFormat.BlockBytes;
        byte[] changed = (byte[])file.Clone();
        file.AsSpan(SaveFormat.HeaderBytes, block).CopyTo(changed.AsSpan(SaveFormat.HeaderBytes + block));
        file.AsSpan(SaveFormat.HeaderBytes + block, block).CopyTo(changed.AsSpan(SaveFormat.HeaderBytes));
        using CompressedCache cache = WithOne();
        AssertRefused(cache, changed);
        AssertRefused(cache, [.. file[..SaveFormat.HeaderBytes], .. file[(SaveFormat.HeaderBytes + block)..]]);
    }

    [Fact]
    public void Another_version_and_a_foreign_file_are_refused_by_name()
    {
        byte[] file = Small(tables: false);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), SaveFormat.Version + 1);
        using SavedCaches.Folder folder = new();
        File.WriteAllBytes(folder.File, file);
        using CompressedCache cache = WithOne();
        CacheFileException refused = Assert.Throws<CacheFileException>(() => cache.Load(folder.File));
        Assert.Contains($"{folder.File} is a saved cache of version 2", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File, "PFSNAP\r\n and what follows");
        refused = Assert.Throws<CacheFileException>(() => cache.Load(folder.File));
        Assert.Contains($"{folder.File} is no saved cache", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File, "");
        Assert.Throws<CacheFileException>(() => cache.Load(folder.File));
        Assert.Throws<FileNotFoundException>(() => cache.Load(folder.File + "2"));
    }

    [Fact]
    public void Lengths_that_lie_take_no_memory()
    {
        byte[][] files =
        [
            Forge(writer => Entry(writer, key: int.MaxValue, value: 0)),
            Forge(writer => Entry(writer, key: 0, value: int.MaxValue)),
            Forge(writer => Entry(writer, key: 0, value: -1)),
            Forge(writer =>
            {
                Entry(writer, key: 1, value: 65536);
                writer.Write((byte)'k');
                writer.Write((byte)1);
                writer.Write(int.MaxValue);
            }),
            Forge(writer =>
            {
                writer.Write(SaveFormat.TablesRecord);
                writer.Write((byte)2);
                writer.Write((byte)1);
                writer.Write(int.MaxValue);
            }),
            Forge(writer =>
            {
                writer.Write(SaveFormat.TablesRecord);
                writer.Write((byte)2);
                writer.Write((byte)1);
                writer.Write(100);
                writer.Write(new byte[100]);
            }),
            Forge(writer => writer.Write((byte)3)),
        ];
        using CompressedCache cache = WithOne();
        foreach (byte[] file in files)
            AssertRefused(cache, file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] file in files)
            AssertRefused(cache, file);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, files.Length * 600_000L);
    }

    [Fact]
    public void A_value_that_other_tables_decode_to_something_else_is_refused()
    {
        byte[] value = new byte[1000];
        using CompressedCache from = SavedCaches.Make();
        from.Set("k", value);
        byte[] whole = SavedCaches.Save(from, out _).ToArray();
        // The record has its chunk at the end: form, length, hash, stored bytes.
        byte[] record = whole[(SaveFormat.HeaderBytes + SaveFormat.BlockHeaderBytes)..^SaveFormat.EndBytes];
        const int hash = 1 + 3 + 8 + 1 + 1 + 4;
        Assert.Equal(1, record[hash - 5]);
        using CompressedCache cache = WithOne();
        Assert.Equal(new CacheLoadResult(1, 0, 0, 0), cache.Load(new MemoryStream(Forge(writer => writer.Write(record), 1, 1001))));
        record[hash] ^= 1;
        cache.Remove("k");
        Assert.Equal(new CacheLoadResult(0, 0, 0, 1), cache.Load(new MemoryStream(Forge(writer => writer.Write(record), 1, 1001))));
        Assert.False(cache.Contains("k"));
        record[hash] ^= 1;
        record[^1] ^= 0x55;
        cache.Load(new MemoryStream(Forge(writer => writer.Write(record), 1, 1001)));
        Assert.True(SavedCaches.Get(cache, "k") is not { } other || other.AsSpan().SequenceEqual(value));
    }

    private static void Entry(SaveWriter writer, int key, int value)
    {
        writer.Write(SaveFormat.EntryRecord);
        writer.Write((byte)0);
        writer.Write((byte)0);
        writer.Write((byte)0);
        writer.Write(key);
        writer.Write(value);
    }

    private static byte[] Forge(Action<SaveWriter> write, long entries = 0, long contentBytes = 0)
    {
        MemoryStream stream = new();
        SaveWriter writer = new(stream, SavedCaches.Begin);
        write(writer);
        writer.Complete(entries, contentBytes);
        return stream.ToArray();
    }

    private static CompressedCache WithOne()
    {
        CompressedCache cache = SavedCaches.Make(compression: CacheCompression.Trained);
        cache.Set("one", "value"u8);
        return cache;
    }

    private static void AssertRefused(CompressedCache cache, byte[] file)
    {
        long used = cache.UsedBytes;
        Assert.Throws<CacheFileException>(() => cache.Load(new MemoryStream(file)));
        Assert.Equal(1, cache.Count);
        Assert.Equal("value"u8.ToArray(), SavedCaches.Get(cache, "one"));
        Assert.Equal(used, cache.UsedBytes);
    }

    private static byte[] Small(bool tables) => Save(cache =>
    {
        if (tables)
            cache.Parts.Coding.TryPublish(Values.OrderTables);
        cache.Set("", Values.Order(1));
        cache.Set("k", Values.Noise(1, 40), new CacheEntryPolicy { Expiration = TimeSpan.FromDays(1), Tags = ["müller", "a"] });
        CacheEntryPolicy slides = new() { Expiration = TimeSpan.FromDays(1), SlidingExpiration = TimeSpan.FromHours(1) };
        cache.Set("l", Values.Order(2), slides);
        cache.Set("e", []);
    }, CacheCompression.Trained);

    private static byte[] Save(Action<CompressedCache> fill, CacheCompression compression)
    {
        using CompressedCache cache = SavedCaches.Make(compression: compression);
        fill(cache);
        return SavedCaches.Save(cache, out _).ToArray();
    }
}
