namespace PageFold.Tests.Store;

/// <summary>Random operations on a store against a dictionary of what must be there.</summary>
public class PageStoreModelTests
{
    private static readonly PageCodec Dense = PageCodec.Zstd(1);

    private static readonly Dictionary<string, (Func<PageStoreOptions> Options, int Operations)> Shapes = new()
    {
        ["lz4"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 3 << 20 }, 40_000),
        ["lz4, no neighbouring frames"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 3 << 20, NoNeighbours = true }, 20_000),
        ["lz4, portable"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 3 << 20, Backing = FrameBackingKind.Portable }, 20_000),
        ["lz4, 8 KiB"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 6 << 20, PageSize = 8192 }, 15_000),
        ["lz4, 16 KiB"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 12 << 20, PageSize = 16384 }, 10_000),
        ["lz4, 32 KiB"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 24 << 20, PageSize = 32768 }, 6_000),
        ["lz4, 64 KiB"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 48 << 20, PageSize = 65536 }, 4_000),
        ["lz4, 4 KiB in 64 KiB frames"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 12 << 20, FrameSize = 65536 }, 10_000),
        ["zstd"] = (() => new PageStoreOptions { MemoryLimit = 4 << 20, Codec = PageCodec.Zstd(1) }, 10_000),
        ["fold"] = (() => new PageStoreOptions { MemoryLimit = 3 << 20, Codec = PageCodec.Fold() }, 20_000),
        ["fold dense, 64 KiB"] = (() =>
            new PageStoreOptions { MemoryLimit = 48 << 20, PageSize = 65536, Codec = PageCodec.Fold(FoldLevel.Dense) }, 3_000),
        ["none"] = (() => new PageStoreOptions { MemoryLimit = 3 << 20, Codec = PageCodec.None }, 20_000),
        ["lz4, ages tracked"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 3 << 20, TrackAccess = true }, 20_000),
        ["writeback"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 4 << 20, TrackAccess = true, Writeback = InFile() }, 30_000),
        ["writeback, 64 KiB"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 24 << 20, PageSize = 65536, Writeback = InFile() }, 4_000),
        ["writeback, hardly any memory"] = (() =>
            new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 1 << 20, NoNeighbours = true, Writeback = InFile() }, 30_000),
        ["hardly any memory"] = (() => new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 200 << 10 }, 30_000),
    };

    public static TheoryData<string> Configurations() => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Agrees_with_a_dictionary(string configuration)
    {
        (Func<PageStoreOptions> options, int operations) = Shapes[configuration];
        long moved = 0;
        Gen.Int.Sample(seed => Interlocked.Add(ref moved, Run(options(), seed, operations / 5)), iter: 5, threads: 2);
        Assert.True(moved > 0 || configuration is not "writeback", "nothing was cleaned");
    }

    /// <returns>Records that were moved within the writeback file.</returns>
    private static long Run(PageStoreOptions options, int seed, int operations)
    {
        Random random = new(seed);
        long left = 0;
        using PageStore store = new(options);
        Dictionary<long, byte[]> model = [];
        byte[] buffer = new byte[store.PageSize];
        // Two stretches of numbers and the last one, so that leaves and their edges are met.
        long Number() => random.Next(3) switch { 0 => random.Next(700), 1 => 3_000_000_000 + random.Next(700), _ =>
            PageStore.MaxPage - random.Next(20) };
        for (int i = 0; i < operations; i++)
        {
            long page = Number();
            int dice = random.Next(100);
            if (dice < 45)
                Write(store, model, page, random, buffer);
            else if (dice < 80)
                Read(store, model, page, buffer);
            else if (dice < 95)
                Discard(store, model, page, random.Next(1, 40));
            else if (dice == 95)
                store.Compact();
            else if (dice == 96 && random.Next(4) == 0)
                Recompress(store, random);
            else if (dice == 97 && options.Writeback is not null)
                left += WriteBack(store, random);
            else
                Assert.Equal(model.ContainsKey(page), store.Contains(page));
            Assert.True(store.Index.Budget.Used <= store.MemoryLimit);
        }
        Assert.Equal(model.Keys.Order(), store.EnumeratePages());
        foreach (long page in model.Keys)
            Read(store, model, page, buffer);
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.Equal(model.Count, statistics.Pages);
        Assert.Equal(model.Keys.Count(page => store.StateOf(page) == PageState.WrittenBack), statistics.WrittenBackPages);
        if (options.Writeback is not null)
            Assert.True(statistics.WritebackWrites > 0);
        Assert.Equal((long)model.Count * store.PageSize, statistics.OriginalBytes);
        if (store.MemoryLimit >= 1 << 20)
            Assert.Equal(model.Values.Count(IsSameFilled), statistics.SameFilledPages);
        Assert.Equal(store.Index.Budget.Used, statistics.TotalBytes);
        Assert.Equal(model.Count, store.Discard(0, PageStore.MaxPage + 1));
        Assert.Equal(0, store.GetStatistics().Pages);
        Assert.Equal(0, store.GetStatistics().CompressedBytes);
        Assert.Equal(0, store.GetStatistics().PoolBytes);
        Assert.Equal(0, store.GetStatistics().WrittenBackBytes);
        Assert.InRange(store.GetStatistics().WritebackFileBytes, 0, 1 << 20);
        Assert.All(store.Codecs, use => Assert.Equal(0, use.Pages));
        return statistics.WritebackWrites - left;
    }

    private static WritebackOptions InFile() =>
        new() { Path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), MaxBytes = 4 << 20 };

    private static void Recompress(PageStore store, Random random)
    {
        try
        {
            store.Recompress(new RecompressionOptions { Codec = random.Next(2) == 0 ? PageCodec.Lz4Managed : Dense,
                MaxPages = random.Next(300), RetryWithoutGain = random.Next(2) == 0 });
        }
        catch (MemoryLimitException)
        {
            // No room for one more codec's contexts.
        }
    }

    private static long WriteBack(PageStore store, Random random)
    {
        WritebackResult result =
            store.WriteBack(new WritebackSelection { OnlyIncompressible = random.Next(3) == 0, MaxBytes = random.Next(2_000_000) });
        Assert.True(result.Stopped is WritebackStop.Finished or WritebackStop.MaxBytes or WritebackStop.FileFull, result.ToString());
        Assert.Equal(0, result.Skipped);
        return result.Pages;
    }

    private static void Write(PageStore store, Dictionary<long, byte[]> model, long page, Random random, byte[] buffer)
    {
        ulong key = (ulong)random.NextInt64();
        switch (random.Next(8))
        {
            case 0:
                buffer.AsSpan().Fill((byte)random.Next(3));
                break;
            case 1:
                // Few distinct words, so that pages share them.
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte,
                    ulong>(buffer.AsSpan()).Fill(0x0123456789ABCDEF + (ulong)random.Next(40));
                break;
            case 2:
                Pages.Fill(buffer, key);
                break;
            default:
                Pages.FillCompressible(buffer, key, random.NextDouble());
                break;
        }
        RefusalPolicy policy = random.Next(2) == 0 ? RefusalPolicy.Keep : RefusalPolicy.Invalidate;
        StoreOutcome outcome = store.Write(page, buffer, policy);
        if (outcome != StoreOutcome.Full)
        {
            // Only where memory to note one more word is lacking is a same-filled page stored like any other.
            Assert.True(IsSameFilled(buffer) == (outcome == StoreOutcome.SameFilled) || store.MemoryLimit < 1 << 20);
            model[page] = [.. buffer];
        }
        else if (policy == RefusalPolicy.Invalidate)
        {
            model.Remove(page);
        }
    }

    private static void Read(PageStore store, Dictionary<long, byte[]> model, long page, byte[] buffer)
    {
        buffer.AsSpan().Fill(0xEE);
        bool found = store.TryRead(page, buffer);
        Assert.Equal(model.TryGetValue(page, out byte[]? expected), found);
        if (found)
            Assert.True(expected.AsSpan().SequenceEqual(buffer), $"page {page} differs");
        else
            Assert.True(buffer.AsSpan().IndexOfAnyExcept((byte)0xEE) < 0, "a page that is not there left bytes behind");
    }

    private static void Discard(PageStore store, Dictionary<long, byte[]> model, long page, int count)
    {
        long end = Math.Min(page + count, PageStore.MaxPage + 1);
        long expected = 0;
        for (long i = page; i < end; i++)
            expected += model.Remove(i) ? 1 : 0;
        Assert.Equal(expected, store.Discard(page, end - page));
    }

    private static bool IsSameFilled(byte[] page) =>
        !System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).ContainsAnyExcept(BitConverter.ToUInt64(page));
}
