using System.Buffers.Binary;
using System.IO.Hashing;
using PageFold.Frames;
using PageFold.Store.Snapshots;

namespace PageFold.Tests.Store;

/// <summary>A snapshot that is damaged, cut off or made up is refused, and the store is empty then.</summary>
public class SnapshotDamageTests
{
    private const int PageSize = 4096;

    [Fact]
    public void Every_byte_that_is_changed_in_any_way_is_found()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        Random random = new(1);
        for (int position = 0; position < file.Length; position++)
        {
            // One bit, and now and then any other change.
            byte bit = (byte)(1 << random.Next(8));
            foreach (byte change in position % 4 == 0 ? [bit, (byte)random.Next(1, 256)] : new[] { bit })
            {
                file[position] ^= change;
                AssertRefused(store, folder, file, $"byte {position} changed by {change}");
                file[position] ^= change;
            }
        }
        Write(folder, file);
        store.LoadSnapshot(folder.File);
    }

    [Fact]
    public void Every_truncation_and_every_addition_is_found()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        for (int length = 0; length < file.Length; length++)
            AssertRefused(store, folder, file.AsSpan(0, length), $"cut off at {length}");
        foreach (int more in new[] { 1, 8, SnapshotFormat.EndBytes, 5000 })
        {
            AssertRefused(store, folder, [.. file, .. new byte[more]], $"{more} zeros after the end");
            AssertRefused(store, folder, [.. file, .. file.AsSpan(^more..)], $"{more} bytes more");
        }
    }

    [Fact]
    public void Chunks_in_another_order_left_out_or_of_another_snapshot_are_found()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 1000);
        byte[] other = Save(folder, pages: 1001);
        using PageStore store = Make();
        (Range header, Range first, Range second, Range end) = Parts(file);
        AssertRefused(store, folder, [.. file[header], .. file[second], .. file[first], .. file[end]], "swapped");
        AssertRefused(store, folder, [.. file[header], .. file[first], .. file[end]], "left out");
        AssertRefused(store, folder, [.. file[header], .. file[first], .. file[first], .. file[end]], "twice");
        AssertRefused(store, folder, [.. other[Parts(other).Header], .. file[first], .. file[second], .. file[end]], "another's header");
        AssertRefused(store, folder, [.. file[header], .. file[first], .. file[second], .. other[Parts(other).End]], "another's end");
    }

    [Fact]
    public void Damage_is_found_alike_by_a_store_in_which_memory_is_short()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 1000);
        using PageStore store = Make();
        // A chunk goes through a window of 28 KiB here.
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        small.LoadSnapshot(folder.File);
        Assert.Equal(1000, small.Discard(0, 1000));
        int chunk = Parts(file).Header.End.Value;
        Random random = new(1);
        for (int round = 0; round < 60; round++)
        {
            byte[] damaged = [.. file];
            int position = random.Next(chunk, file.Length);
            damaged[position] ^= (byte)random.Next(1, 256);
            if (round % 2 == 0)
                Sign(damaged, chunk);
            Write(folder, damaged);
            string? expected = Record.Exception(() => store.LoadSnapshot(folder.File))?.Message;
            Assert.Equal(expected, Record.Exception(() => small.LoadSnapshot(folder.File))?.Message);
            store.Discard(0, PageStore.MaxPage + 1);
            small.Discard(0, PageStore.MaxPage + 1);
        }
    }

    [Fact]
    public void A_chunk_that_changes_after_it_was_checked_is_found()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 1000);
        using SnapshotReader reader = SnapshotReader.Open(folder.File);
        MemoryBudget budget = new(1 << 20);
        using SnapshotLoadBuffers buffers = SnapshotLoadBuffers.TryMake(
            budget, new SnapshotMemory(budget, SnapshotMemory.SmallBytes(PageSize)), PageSize)!;
        Assert.True(buffers.TryReadChunk(reader, out SnapshotChunk chunk));
        // The last byte of a page's content, which no record's form depends on.
        using (FileStream other = new(folder.File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            other.Position = chunk.Offset + chunk.Length - 1;
            other.WriteByte((byte)~file[chunk.Offset + chunk.Length - 1]);
        }
        string refusal = Assert.Throws<SnapshotException>(() =>
        {
            while (buffers.HasMore(reader))
                Assert.True(buffers.TryReadRecord(out _, out _, out _, out _));
        }).Message;
        Assert.Contains("a chunk has changed while the file was read", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Records_that_cannot_be_are_found_although_every_hash_is_right()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        int chunk = Parts(file).Header.End.Value;
        int first = chunk + SnapshotFormat.ChunkHeaderBytes;
        // The first record is page 0, zeros: a header and a word. The fourth is compressed, the fifth raw.
        int fourth = first + 3 * 16;
        int fifth = fourth + 8 + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(fourth + 6)) + 1;
        Assert.Equal((1, 2, 3), (file[first + 4], file[fourth + 4], file[fifth + 4]));
        AssertForged("page 1 is there twice", first, 1);
        AssertForged("page 0 is of kind 0", first + 4, 0);
        AssertForged("page 0 is of kind 9", first + 4, 9);
        AssertForged("has a size or a codec", first + 5, 1);
        AssertForged("has a size or a codec", first + 6, 1);
        AssertForged("page 3 has codec number 4", fourth + 5, 4);
        AssertForged("page 3 cannot be decompressed", fourth + 5, 3);
        AssertForged("page 3 cannot be decompressed", fourth + 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
        AssertForged("page 3 has 4096 compressed bytes", fourth + 6, 0xFF, 0x0F);
        AssertForged("page 4 is raw but has 4095 bytes", fifth + 6, 0xFE, 0x0F);
        AssertForged("page 4 is raw but has 4096 bytes, or a codec", fifth + 5, 1);
        AssertForged("says 5", chunk + 8, 5);
        AssertForged("no chunk begins here", chunk + 8, 0);
        AssertForged("no chunk begins here", chunk + 12, 1);

        void AssertForged(string expected, int position, params byte[] bytes)
        {
            byte[] forged = [.. file];
            bytes.CopyTo(forged, position);
            Sign(forged, chunk);
            string message = AssertRefused(store, folder, forged, expected);
            Assert.Contains(expected, message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void A_record_that_is_cut_off_is_found_although_every_hash_is_right(int left)
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        int chunk = Parts(file).Header.End.Value;
        int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(chunk + 4));
        // So many bytes more than the records that there are.
        byte[] forged = [.. file[..^SnapshotFormat.EndBytes], .. new byte[left], .. file[^SnapshotFormat.EndBytes..]];
        BinaryPrimitives.WriteInt32LittleEndian(forged.AsSpan(chunk + 4), length + left);
        Sign(forged, chunk);
        Assert.Contains("a record is cut off", AssertRefused(store, folder, forged, "cut off"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_page_of_the_codec_that_compresses_nothing_is_found_although_every_hash_is_right()
    {
        using SnapshotFolder folder = new();
        byte[] file;
        using (PageStore saved = Make())
        {
            Assert.Equal(1, saved.AddCodec(PageCodec.None));
            saved.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
            saved.SaveSnapshot(folder.File);
            file = File.ReadAllBytes(folder.File);
        }
        using PageStore store = Make();
        int chunk = Parts(file).Header.End.Value;
        file[chunk + SnapshotFormat.ChunkHeaderBytes + 5] = 1;
        Sign(file, chunk);
        Assert.Contains("page 1 cannot be decompressed", AssertRefused(store, folder, file, "none"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_dictionary_that_Zstandard_refuses_is_found_although_every_hash_is_right()
    {
        using SnapshotFolder folder = new();
        byte[] file = SaveWithDictionary(folder, out int dictionary);
        using PageStore store = Make();
        long used = store.Index.Budget.Used;
        int header = Parts(file).Header.End.Value;
        // The magic number of a trained dictionary, and then no such dictionary.
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(dictionary), 0xEC30A437);
        file.AsSpan(dictionary + 4, 60).Fill(0xFF);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(header - 8), XxHash3.HashToUInt64(file.AsSpan(0, header - 8)));
        Sign(file, header);
        Assert.Contains("no codec zstd of level 3 with a dictionary of 8000 bytes", AssertRefused(store, folder, file, "dictionary"),
            StringComparison.Ordinal);
        Assert.Equal(used, store.Index.Budget.Used);
    }

    [Fact]
    public void A_file_that_changes_or_is_cut_off_while_it_is_read_is_found()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a file that is read is not written.");
        using SnapshotFolder folder = new();
        byte[] file = SaveWithDictionary(folder, out int dictionary);
        using PageStore store = Make();
        // Progress is reported when a chunk was read, and before a page asks for its codec.
        Assert.Contains("a dictionary has changed while the file was read", LoadWhile(stream =>
        {
            stream.Position = dictionary + 5;
            stream.WriteByte((byte)(file[dictionary + 5] ^ 1));
        }), StringComparison.Ordinal);
        file = Save(folder, pages: 1000);
        Assert.Contains("the file has become shorter", LoadWhile(stream => stream.SetLength(Parts(file).First.End.Value)),
            StringComparison.Ordinal);

        string LoadWhile(Action<FileStream> change)
        {
            bool isChanged = false;
            string message = Assert.Throws<SnapshotException>(() => store.LoadSnapshot(folder.File, null, new Told(() =>
            {
                if (isChanged)
                    return;
                isChanged = true;
                using FileStream stream = new(folder.File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                change(stream);
            }))).Message;
            Assert.True(isChanged);
            Assert.Equal(0, store.GetStatistics().Pages);
            return message;
        }
    }

    [Fact]
    public void Headers_that_cannot_be_are_found_although_their_hash_is_right()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        int length = Parts(file).Header.End.Value;
        Gen.Select(Gen.Int[8, length - 9], Gen.Byte[1, 255]).Sample((position, change) =>
        {
            byte[] forged = [.. file];
            forged[position] ^= change;
            BinaryPrimitives.WriteUInt64LittleEndian(forged.AsSpan(length - 8), XxHash3.HashToUInt64(forged.AsSpan(0, length - 8)));
            Sign(forged, length);
            Write(folder, forged);
            try
            {
                Snapshot.ReadInfo(folder.File);
                store.LoadSnapshot(folder.File);
                store.Discard(0, PageStore.MaxPage + 1);
            }
            catch (Exception refused) when (refused is SnapshotException or InvalidOperationException)
            {
                // A length, a label or a time may be another; all else is not, or is of another page size.
            }
            Assert.Equal(0, store.GetStatistics().Pages);
        }, iter: 500, threads: 1);
    }

    [Fact]
    public void Random_bytes_are_refused_by_the_documented_exception_alone()
    {
        using SnapshotFolder folder = new();
        byte[] file = Save(folder, pages: 6);
        using PageStore store = Make();
        Gen.Select(Gen.Byte.Array[0, 400], Gen.Int[0, file.Length], Gen.Bool).Sample((noise, position, within) =>
        {
            byte[] forged = within
                ? [.. file.AsSpan(0, position), .. noise, .. file.AsSpan(Math.Min(file.Length, position + noise.Length))]
                : [.. SnapshotFormat.Magic, .. noise];
            if (!forged.AsSpan().SequenceEqual(file))
                AssertRefused(store, folder, forged, "noise");
        }, iter: 500, threads: 1);
    }

    /// <summary>Makes all hashes right of a file with one chunk.</summary>
    private static void Sign(byte[] file, int chunk)
    {
        Span<byte> payload = file.AsSpan((chunk + SnapshotFormat.ChunkHeaderBytes)..^SnapshotFormat.EndBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(chunk + 16), XxHash3.HashToUInt64(payload));
        Span<byte> end = file.AsSpan(^SnapshotFormat.EndBytes..);
        BinaryPrimitives.WriteUInt64LittleEndian(end[32..],
            XxHash3.HashToUInt64([.. file.AsSpan(chunk - 8, 8), .. file.AsSpan(chunk + 16, 8)]));
        BinaryPrimitives.WriteUInt64LittleEndian(end[40..], XxHash3.HashToUInt64(end[..40]));
    }

    /// <summary>Where the parts of a snapshot of at least two chunks are, or of one.</summary>
    private static (Range Header, Range First, Range Second, Range End) Parts(byte[] file)
    {
        int header = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(12));
        int first = header + SnapshotFormat.ChunkHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(header + 4));
        int end = file.Length - SnapshotFormat.EndBytes;
        return (..header, header..first, first..end, end..file.Length);
    }

    private static string AssertRefused(PageStore store, SnapshotFolder folder, ReadOnlySpan<byte> file, string what)
    {
        Write(folder, file);
        SnapshotException? refusal = null;
        try
        {
            store.LoadSnapshot(folder.File);
        }
        catch (SnapshotException damaged)
        {
            refusal = damaged;
        }
        Assert.True(refusal is not null, what);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Contains(folder.File, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, store.GetStatistics().Pages);
        return refusal.Message;
    }

    private static void Write(SnapshotFolder folder, ReadOnlySpan<byte> file) => File.WriteAllBytes(folder.File, file);

    private static byte[] Save(SnapshotFolder folder, int pages)
    {
        using PageStore store = Make();
        for (int page = 0; page < pages; page++)
        {
            // Zeros, a byte, a word, compressible, noise; of that only one, so that the file is small.
            int kind = pages < 100 && page > 4 ? page % 4 : page % 5;
            store.Write(page, SnapshotFolder.MakePage(PageSize, kind, (ulong)page));
        }
        store.SaveSnapshot(folder.File, new SnapshotOptions { Label = "a label", Length = pages });
        return File.ReadAllBytes(folder.File);
    }

    /// <summary>A snapshot of a page whose codec has a dictionary of 8000 bytes; also tells where in the file that is.</summary>
    private static byte[] SaveWithDictionary(SnapshotFolder folder, out int dictionary)
    {
        byte[] typical = new byte[8000];
        Pages.FillCompressible(typical, 7, 0.5);
        using PageStore store = Make();
        store.UseCodec(PageCodec.Zstd(3, typical));
        store.Write(1, SnapshotFolder.MakePage(PageSize, 3, 1));
        Assert.Equal(1, store.Codecs.Single(codec => codec.Number == 1).Pages);
        store.SaveSnapshot(folder.File);
        byte[] file = File.ReadAllBytes(folder.File);
        dictionary = file.AsSpan().IndexOf(typical);
        Assert.InRange(dictionary, SnapshotHeader.FixedBytes, Parts(file).Header.End.Value - typical.Length);
        return file;
    }

    private static PageStore Make() => new(new PageStoreOptions { MemoryLimit = 32 << 20 });

    private sealed class Told(Action tell) : IProgress<double>
    {
        public void Report(double value) => tell();
    }
}
