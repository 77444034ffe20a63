using System.Globalization;
using System.Text.RegularExpressions;

namespace PageFold.Tests.Store;

/// <summary>What a store holds when it is saved, full or not, can be loaded by a fresh store of the same options.</summary>
public partial class FullRestoreTests
{
    private static readonly SnapshotLoadOptions WithCodecs = new() { RestoreCodecs = true };

    [Theory]
    [InlineData(4096, 8, true, 1)]
    [InlineData(4096, 8, true, 3)]
    [InlineData(4096, 8, false, 3)]
    [InlineData(4096, 72, true, 1)]
    [InlineData(4096, 72, true, 3)]
    [InlineData(4096, 72, false, 3)]
    [InlineData(4096, 132, true, 3)]
    [InlineData(65536, 8, true, 1)]
    [InlineData(65536, 72, true, 3)]
    [InlineData(65536, 132, false, 3)]
    public void A_full_store_can_be_loaded_within_the_same_limit(int pageSize, int limit, bool reserve, int codecs)
    {
        using SnapshotFolder folder = new();
        PageStoreOptions options = OptionsOf(pageSize, (long)limit << 20, reserve);
        using PageStore store = new(options);
        Random random = new(limit);
        for (int codec = 1; codec < codecs; codec++)
            store.AddCodec(CodecOf(codec));
        Fill(store, random);
        Save(store, folder.File, random);
        using PageStore restored = new(options);
        restored.LoadSnapshot(folder.File, WithCodecs);
        AssertSame(store, restored);
        // Neither holds free frames, which come and go.
        store.Compact();
        restored.Compact();
        Assert.InRange(restored.Index.Budget.Used, 0, store.Index.Budget.Used);
    }

    [Fact]
    public void Whatever_a_store_holds_can_be_loaded_within_the_same_limit() =>
        (from seed in Gen.Int
         from isLarge in Gen.Bool
         from mebibytes in Gen.Int[5, 24]
         from reserve in Gen.Bool
         from rounds in Gen.Int[0, 3]
         select (seed, isLarge, mebibytes, reserve, rounds)).Sample(
            run =>
            {
                using SnapshotFolder folder = new();
                PageStoreOptions options = OptionsOf(run.isLarge ? 65536 : 4096, (long)run.mebibytes << 20, run.reserve);
                using PageStore store = new(options);
                Random random = new(run.seed);
                long end = Fill(store, random);
                for (int round = 0; round < run.rounds; round++)
                    end = Change(store, random, end);
                Save(store, folder.File, random);
                using PageStore restored = new(options);
                restored.LoadSnapshot(folder.File, WithCodecs);
                AssertSame(store, restored);
            },
            iter: Rounds.Of(10), threads: 1);

    [Fact]
    public void A_codec_that_only_the_last_pages_have_finds_its_memory_too()
    {
        using SnapshotFolder folder = new();
        PageStoreOptions options = OptionsOf(4096, 8 << 20, reserve: true);
        using PageStore store = new(options);
        byte[] dictionary = new byte[256 << 10];
        Pages.FillCompressible(dictionary, 1, 0.3);
        PageCodec late = PageCodec.Zstd(3, dictionary);
        store.AddCodec(late);
        Random random = new(1);
        long end = Fill(store, random, withCodecs: false);
        store.UseCodec(late);
        for (long page = end - 30; page < end; page++)
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, SnapshotFolder.MakePage(4096, 2, (ulong)page)));
        for (long page = end - 30; page < end; page++)
            store.Write(page, SnapshotFolder.MakePage(4096, 3, 7));
        Assert.True(store.Codecs.Single(use => use.DictionaryBytes == dictionary.Length).Pages > 0);
        store.SaveSnapshot(folder.File);
        using PageStore restored = new(options);
        List<double> progress = [];
        restored.LoadSnapshot(folder.File, WithCodecs, new Steps(progress.Add));
        AssertSame(store, restored);
        Assert.Equal(progress.Order(), progress);
    }

    [Fact]
    public void A_refusal_names_a_limit_that_suffices() =>
        (from seed in Gen.Int
         from isLarge in Gen.Bool
         from part in Gen.Double[0.2, 0.97]
         from restoreCodecs in Gen.Bool
         select (seed, isLarge, part, restoreCodecs)).Sample(
            run =>
            {
                using SnapshotFolder folder = new();
                PageStoreOptions options = OptionsOf(run.isLarge ? 65536 : 4096, 16 << 20, reserve: true);
                Random random = new(run.seed);
                using (PageStore store = new(options))
                {
                    Fill(store, random);
                    Save(store, folder.File, random);
                }
                SnapshotLoadOptions loading = new() { RestoreCodecs = run.restoreCodecs };
                using PageStore small = new(options with { MemoryLimit = (long)(run.part * (16 << 20)) });
                string refusal = Assert.Throws<MemoryLimitException>(() => small.LoadSnapshot(folder.File, loading)).Message;
                Match figure = Figure().Match(refusal);
                Assert.Equal(0, small.GetStatistics().Pages);
                // What is compressed anew may take any room.
                if (!run.restoreCodecs && !figure.Success)
                    return;
                Assert.True(figure.Success, refusal);
                using PageStore enough = new(options with
                {
                    MemoryLimit = long.Parse(figure.Groups[1].Value, CultureInfo.InvariantCulture) << 20,
                });
                enough.LoadSnapshot(folder.File, loading);
            },
            iter: Rounds.Of(6), threads: 1);

    [GeneratedRegex("raise the limit to ([0-9]+) MiB, which suffices")]
    private static partial Regex Figure();

    private static PageStoreOptions OptionsOf(int pageSize, long limit, bool reserve) => new()
    {
        PageSize = pageSize,
        MemoryLimit = limit,
        TrackAccess = true,
        SnapshotReserve = reserve ? SnapshotOptions.ReserveBytes(pageSize, limit / 512) : 0,
    };

    private static PageCodec CodecOf(int number)
    {
        byte[] dictionary = new byte[16 << 10];
        Pages.FillCompressible(dictionary, (ulong)number, 0.3);
        return number == 1 ? PageCodec.Fold(FoldLevel.Dense) : PageCodec.Zstd(number, dictionary);
    }

    /// <summary>Stores pages from number 0 on until the store is full; now and then other codecs come, and are used for a while.</summary>
    private static long Fill(PageStore store, Random random, bool withCodecs = true)
    {
        byte[] words = [0, 0, 1, 2];
        for (long page = 0; ; page++)
        {
            if (withCodecs && random.Next(200) == 0)
                Try(() => store.UseCodec(random.Next(4) == 0 ? PageCodec.Lz4 : CodecOf(random.Next(1, 3))));
            // Stretches of pages of one word, which need other memory than the others.
            int kind = (page >> 9) % 5 == 4 ? words[random.Next(words.Length)] : random.Next(12) == 0 ? 4 : 3;
            if (store.Write(page, SnapshotFolder.MakePage(store.PageSize, kind, (ulong)random.NextInt64())) == StoreOutcome.Full)
                return page;
        }
    }

    /// <summary>Discards, overwrites and adds pages, also beyond what fits.</summary>
    private static long Change(PageStore store, Random random, long end)
    {
        int share = random.Next(2, 20);
        for (long page = 0; page < end; page++)
        {
            if (random.Next(share) == 0)
                store.Discard(page, random.Next(1, 20));
        }
        for (long page = 0; page < end; page++)
        {
            if (random.Next(share) == 0)
                store.Write(page, SnapshotFolder.MakePage(store.PageSize, random.Next(5), (ulong)random.NextInt64()));
        }
        int refused = 0;
        while (refused < 20)
        {
            byte[] page = SnapshotFolder.MakePage(store.PageSize, random.Next(2, 4), (ulong)random.NextInt64());
            if (store.Write(end++, page) == StoreOutcome.Full)
                refused++;
        }
        return end;
    }

    /// <summary>Saves the store; where there is no memory for that, pages are discarded until there is.</summary>
    private static void Save(PageStore store, string path, Random random)
    {
        while (!Try(() => store.SaveSnapshot(path)))
        {
            Assert.True(store.TryFindNext(0, out _));
            store.Discard(random.Next(20_000), 50);
            store.Compact();
        }
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (MemoryLimitException)
        {
            return false;
        }
    }

    private static void AssertSame(PageStore saved, PageStore restored)
    {
        byte[] expected = new byte[saved.PageSize];
        byte[] actual = new byte[saved.PageSize];
        Assert.Equal(saved.EnumeratePages(), restored.EnumeratePages());
        foreach (long page in saved.EnumeratePages())
        {
            Assert.True(saved.TryRead(page, expected));
            Assert.True(restored.TryRead(page, actual));
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"page {page}");
        }
    }

    private sealed class Steps(Action<double> told) : IProgress<double>
    {
        public void Report(double value) => told(value);
    }
}
