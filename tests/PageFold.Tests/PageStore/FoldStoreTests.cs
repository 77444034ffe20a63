using PageFold.Compression;
using PageFold.Compression.Fold;
using PageFold.Tests.Compression.Fold;

namespace PageFold.Tests.Store;

/// <summary>The fold codec in a store: alone, beside others, recompressed, and in snapshots.</summary>
public class FoldStoreTests
{
    private const int Count = 300;

    public static TheoryData<int, FoldLevel, string> Shapes()
    {
        TheoryData<int, FoldLevel, string> shapes = [];
        foreach (int pageSize in (int[])[4096, 8192, 16384, 32768, 65536])
        {
            foreach (FoldLevel level in FoldSubjects.Levels)
            {
                shapes.Add(pageSize, level, FoldSubjects.BuiltIn);
                shapes.Add(pageSize, level, "20000");
            }
        }
        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Pages_are_written_read_and_overwritten(int pageSize, FoldLevel level, string tables)
    {
        using PageStore store = Make(pageSize, Codec(level, tables));
        for (ulong version = 0; version < 3; version++)
        {
            for (int page = 0; page < Count; page++)
                Assert.NotEqual(StoreOutcome.Full, store.Write(page, Content(pageSize, page, version)));
            AssertHolds(store, version);
        }
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.True(statistics.CompressedBytes < Count * (long)pageSize);
        Assert.InRange(statistics.PeakBytes, 1, store.Index.Budget.Limit);
        Assert.Equal("fold", store.Codecs[0].Name);
        Assert.Equal((int)level, store.Codecs[0].Level);
        Assert.Equal(tables == FoldSubjects.BuiltIn ? 0 : FoldSubjects.Tables(tables)!.Definition.ToArray().Length,
            store.Codecs[0].DictionaryBytes);
    }

    [Fact]
    public void Codecs_of_all_kinds_hold_pages_beside_each_other()
    {
        PageCodec[] codecs = [PageCodec.Lz4, PageCodec.Fold(), PageCodec.Fold(FoldLevel.Dense, Tables("20000")), PageCodec.Zstd(3)];
        using PageStore store = Make(4096, codecs[0]);
        for (int page = 0; page < Count; page++)
        {
            store.UseCodec(codecs[page % codecs.Length]);
            store.Write(page, Content(4096, page, 1));
        }
        Assert.Equal(["lz4", "fold", "fold", "zstd"], store.Codecs.Select(use => use.Name));
        Assert.All(store.Codecs, use => Assert.InRange(use.Pages, 20, Count));
        AssertHolds(store, 1);
    }

    [Fact]
    public void A_codec_that_was_made_twice_is_one_and_other_tables_or_levels_are_others()
    {
        using PageStore store = Make(4096, PageCodec.Fold());
        Assert.Equal(0, store.AddCodec(PageCodec.Fold()));
        int dense = store.AddCodec(PageCodec.Fold(FoldLevel.Dense));
        int trained = store.AddCodec(PageCodec.Fold(FoldLevel.Fast, Tables("1000")));
        Assert.Equal(trained, store.AddCodec(PageCodec.Fold(FoldLevel.Fast, Tables("1000"))));
        int other = store.AddCodec(PageCodec.Fold(FoldLevel.Fast, Tables("7")));
        Assert.Equal(4, new[] { 0, dense, trained, other }.Distinct().Count());
    }

    [Fact]
    public void Pages_go_from_codec_to_codec_and_stay_the_same()
    {
        using PageStore store = Make(4096, PageCodec.Lz4);
        for (int page = 0; page < Count; page++)
            store.Write(page, Content(4096, page, 2));
        long before = store.GetStatistics().CompressedBytes;
        foreach (PageCodec codec in (PageCodec[])[PageCodec.Fold(), PageCodec.Fold(FoldLevel.Dense), PageCodec.Zstd(19)])
        {
            RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = codec, RetireOthers = true });
            Assert.InRange(result.Recompressed, 50, Count);
            AssertHolds(store, 2);
            Assert.InRange(store.GetStatistics().PeakBytes, 1, store.Index.Budget.Limit);
        }
        Assert.True(store.GetStatistics().CompressedBytes < before);
    }

    /// <summary>What a codec shares and its contexts are charged, and given back with it.</summary>
    [Fact]
    public void The_limit_holds_with_tables_and_contexts()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20 });
        store.Write(1, Content(4096, 1, 1));
        long used = store.Index.Budget.Used;
        PageCodec codec = PageCodec.Fold(FoldLevel.Dense, Tables("65536"));
        int number = store.AddCodec(codec);
        Assert.InRange(store.Index.Budget.Used - used, codec.SharedBytes + codec.MaxContextBytes(4096), 4 << 20);
        store.RetireCodec(number);
        Assert.Equal(used, store.Index.Budget.Used);
        byte[] page = new byte[4096];
        for (int i = 2; store.Write(i, page) != StoreOutcome.Full; i++)
            Pages.Fill(page, (ulong)i);
        Assert.Throws<MemoryLimitException>(() => store.UseCodec(codec));
        Assert.InRange(store.Index.Budget.Peak, 1, 4 << 20);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_snapshot_is_loaded_by_a_store_that_knows_nothing_of_its_codec(int pageSize, FoldLevel level, string tables)
    {
        using SnapshotFolder folder = new();
        using (PageStore store = Make(pageSize, Codec(level, tables)))
        {
            for (int page = 0; page < Count / 5; page++)
                store.Write(page, Content(pageSize, page, 3));
            store.SaveSnapshot(folder.File);
        }
        SnapshotCodec saved = Assert.Single(Snapshot.ReadInfo(folder.File).Codecs);
        Assert.Equal(("fold", (int)level), (saved.Name, saved.Level));
        Assert.Equal(tables == FoldSubjects.BuiltIn ? 0 : Tables(tables).Length, saved.DictionaryBytes);
        foreach (bool restoreCodecs in (bool[])[false, true])
        {
            using PageStore loaded = Make(pageSize, PageCodec.Lz4);
            loaded.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = restoreCodecs });
            AssertHolds(loaded, 3, Count / 5);
            Assert.Equal(restoreCodecs, loaded.Codecs.Any(use => use.Name == "fold" && use.Pages > 0));
        }
        using PageStore same = Make(pageSize, Codec(level, tables));
        same.LoadSnapshot(folder.File);
        AssertHolds(same, 3, Count / 5);
        Assert.Single(same.Codecs);
    }

    [Fact]
    public void A_description_makes_the_same_codec_again()
    {
        foreach (string tables in FoldSubjects.TableNames)
        {
            CodecDescription description = Codec(FoldLevel.Dense, tables).Describe(4096)!;
            (string name, int level, ReadOnlyMemory<byte> bytes, bool isOfLibrary) = description;
            Assert.Equal(tables == FoldSubjects.BuiltIn, isOfLibrary);
            Assert.Equal(isOfLibrary ? 0 : bytes.Length, description.TrainedBytes);
            Assert.True(CodecDescription.IsPossible(name, level, bytes.Length, isOfLibrary));
            PageCodec again = CodecDescription.TryMake(name, level, bytes.ToArray(), isOfLibrary)!;
            Assert.True(description.IsEquivalent(again.Describe(4096)));
            Assert.Equal(description.TrainedBytes, again.Describe(4096)!.TrainedBytes);
        }
        Assert.Null(CodecDescription.TryMake("fold", 0, new byte[8], isOfLibrary: true));
        Assert.False(CodecDescription.IsPossible("fold", 3, 8, isOfLibrary: true));
        Assert.False(CodecDescription.IsPossible("fold", 0, FoldDefinition.MaxBytes + 1, isOfLibrary: false));
        foreach (string name in (string[])["zstd", "lz4", "none"])
            Assert.False(CodecDescription.IsPossible(name, 0, 0, isOfLibrary: true));
    }

    private static byte[] Tables(string name) => FoldSubjects.Tables(name)!.Definition.ToArray();

    private static PageCodec Codec(FoldLevel level, string tables) =>
        tables == FoldSubjects.BuiltIn ? PageCodec.Fold(level) : PageCodec.Fold(level, Tables(tables));

    private static PageStore Make(int pageSize, PageCodec codec) =>
        new(new PageStoreOptions { MemoryLimit = 64 << 20, PageSize = pageSize, Codec = codec });

    private static byte[] Content(int pageSize, int page, ulong version)
    {
        byte[] content = new byte[pageSize];
        Contents.Fill(content, page % Contents.Kinds.Length, (ulong)page + version * 1000, FoldSubjects.Dictionary("20000"));
        return content;
    }

    private static void AssertHolds(PageStore store, ulong version, int count = Count)
    {
        byte[] read = new byte[store.PageSize];
        for (int page = 0; page < count; page++)
        {
            Assert.True(store.TryRead(page, read));
            Assert.True(read.AsSpan().SequenceEqual(Content(store.PageSize, page, version)), $"page {page}");
        }
    }
}
