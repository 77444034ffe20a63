using System.Globalization;
using System.Text;
using PageFold.Compression;
using PageFold.Compression.Fold;
using PageFold.Store.Snapshots;

namespace PageFold.Tests.Store;

/// <summary>
/// Snapshots of a library with other built-in tables. The one in the corpus was written before the tables were trained again.
/// </summary>
public class SnapshotOfOtherTablesTests
{
    private const int PageSize = 4096;
    private const int Count = 12;

    private static readonly string Kept = Path.Combine(ArchitectureTests.Root(), "tests", "corpus", "snapshot", "other-tables");

    [Fact]
    public void It_is_loaded_and_says_nothing_of_trained_tables()
    {
        Assert.Equal([("fold", 0, 0), ("fold", 1, 0)],
            Snapshot.ReadInfo(Kept).Codecs.Select(codec => (codec.Name, codec.Level, codec.DictionaryBytes)));
        foreach (PageCodec codec in (PageCodec[])[PageCodec.Fold(), PageCodec.Lz4])
        {
            foreach (bool restoreCodecs in (bool[])[false, true])
            {
                using PageStore store = Make(codec);
                store.LoadSnapshot(Kept, new SnapshotLoadOptions { RestoreCodecs = restoreCodecs });
                AssertHoldAll(store);
                Assert.Equal(restoreCodecs ? 3 : 1, store.Codecs.Count);
                Assert.All(store.Codecs, use => Assert.Equal(0, use.DictionaryBytes));
                Assert.Equal(restoreCodecs ? 0 : Count, store.GetStatistics().PagesByCodec[0]);
            }
        }
    }

    [Fact]
    public void Its_codecs_are_in_the_next_snapshot_too()
    {
        using SnapshotFolder folder = new();
        using (PageStore store = Make(PageCodec.Fold()))
        {
            store.LoadSnapshot(Kept, new SnapshotLoadOptions { RestoreCodecs = true });
            store.SaveSnapshot(folder.File);
        }
        using PageStore loaded = Make(PageCodec.Lz4);
        loaded.LoadSnapshot(folder.File, new SnapshotLoadOptions { RestoreCodecs = true });
        AssertHoldAll(loaded);
        Assert.Equal(3, loaded.Codecs.Count);
    }

    [Fact]
    public void Its_codecs_make_way_for_those_of_this_version()
    {
        using PageStore store = Make(PageCodec.Fold());
        store.LoadSnapshot(Kept, new SnapshotLoadOptions { RestoreCodecs = true });
        store.UseCodec(PageCodec.Lz4);
        PageCodec dense = PageCodec.Fold(FoldLevel.Dense);
        RecompressionResult result = store.Recompress(
            new RecompressionOptions { Codec = dense, RetireOthers = true, RetryWithoutGain = true });
        Assert.Equal((1, 0L), (result.CodecsRetired, result.NotMoved));
        Assert.DoesNotContain(store.Codecs, use =>
            use.Level == (int)FoldLevel.Dense && store.FindCodec(use.Number)!.Describe(PageSize)!.Dictionary.Span.SequenceEqual(Older()));
        AssertHoldAll(store);
    }

    [Fact]
    public void A_codec_supersedes_the_same_one_with_tables_of_another_version()
    {
        CodecDescription older = FoldCodec.TryMake(FoldLevel.Dense, Older().ToArray(), isOfLibrary: true)!.Describe(PageSize);
        CodecDescription present = PageCodec.Fold(FoldLevel.Dense).Describe(PageSize)!;
        CodecDescription trained = older with { IsOfLibrary = false };
        Assert.True(present.Supersedes(older) && trained.Supersedes(older with { Dictionary = older.Dictionary[1..] }));
        Assert.False(present.Supersedes(present) || older.Supersedes(present));
        Assert.False(trained.Supersedes(present) || present.Supersedes(trained));
        Assert.False(PageCodec.Fold().Describe(PageSize)!.Supersedes(older));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(65536)]
    public void A_snapshot_has_the_tables_that_its_page_size_needs(int pageSize)
    {
        using SnapshotFolder folder = new();
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, PageSize = pageSize }))
        {
            store.Write(1, Text(pageSize, 1));
            store.SaveSnapshot(folder.File);
        }
        Assert.NotEqual(-1, File.ReadAllBytes(folder.File).AsSpan().IndexOf(BuiltInTables.For(pageSize).Definition.ToArray()));
    }

    [Fact]
    public void Tables_that_are_none_are_refused_and_nothing_stays_charged()
    {
        using SnapshotFolder folder = new();
        byte[] file = File.ReadAllBytes(Kept);
        // The first byte of the definition, in its mark.
        file[file.AsSpan().IndexOf(Older())] ^= 1;
        File.WriteAllBytes(folder.File, Fuzz.SnapshotSignature.Sign(file));
        using PageStore store = Make(PageCodec.Fold());
        long used = store.Index.Budget.Used;
        Assert.Contains("no codec fold", Assert.Throws<SnapshotException>(() => store.LoadSnapshot(folder.File)).Message,
            StringComparison.Ordinal);
        Assert.Equal((0, used), (store.GetStatistics().Pages, store.Index.Budget.Used));
    }

    [Fact]
    public void Only_tables_without_a_dictionary_can_come_with_the_library()
    {
        byte[] dictionary = new byte[FoldDefinition.HeaderBytes];
        FoldDefinition builtIn = BuiltInTables.For(PageSize).Definition;
        byte[] with = FoldDefinition.TryMake(PageSize, builtIn.Boxes, builtIn.LiteralLengths, builtIn.TokenLengths, dictionary)!.ToArray();
        byte[] without = BuiltInTables.DefinitionFor(PageSize).ToArray();
        Assert.Null(FoldCodec.TryMake(FoldLevel.Fast, with, isOfLibrary: true));
        Assert.Null(Refusal(PageCodec.Fold(FoldLevel.Fast, with), isOfLibrary: false));
        Assert.Null(Refusal(PageCodec.Fold(FoldLevel.Fast, without), isOfLibrary: true));
        foreach (PageCodec codec in (PageCodec[])[
            PageCodec.Fold(FoldLevel.Fast, with), PageCodec.Zstd(1), PageCodec.Zstd(1, new byte[2000]), PageCodec.Lz4, PageCodec.None])
            Assert.Contains("dictionary that cannot come with the library", Refusal(codec, isOfLibrary: true), StringComparison.Ordinal);
    }

    // Of a snapshot with a codec that no page uses.
    private static string? Refusal(PageCodec codec, bool isOfLibrary)
    {
        using SnapshotFolder folder = new();
        using (PageStore store = Make(PageCodec.Lz4Managed))
        {
            store.AddCodec(codec);
            store.SaveSnapshot(folder.File);
        }
        byte[] file = File.ReadAllBytes(folder.File);
        // The name of the second codec is behind its head.
        int head = file.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(codec.Name)) - SnapshotHeader.CodecBytes;
        file[head + SnapshotHeader.CodecFlags] = isOfLibrary ? (byte)SnapshotHeader.OfLibrary : (byte)0;
        File.WriteAllBytes(folder.File, Fuzz.SnapshotSignature.Sign(file));
        string? read = Record.Exception(() => Snapshot.ReadInfo(folder.File))?.Message;
        using PageStore loaded = Make(PageCodec.Lz4);
        string? load = Record.Exception(() => loaded.LoadSnapshot(folder.File))?.Message;
        Assert.Equal(read, load);
        return load;
    }

    private static PageStore Make(PageCodec codec) =>
        new(new PageStoreOptions { MemoryLimit = 16 << 20, PageSize = PageSize, Codec = codec });

    /// <summary>The definition in the kept snapshot.</summary>
    private static ReadOnlySpan<byte> Older()
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(Kept);
        int length = BuiltInTables.DefinitionFor(PageSize).Length;
        return file.Slice(file.IndexOf("PFT1"u8), length);
    }

    private static void AssertHoldAll(PageStore store)
    {
        byte[] page = new byte[PageSize];
        Assert.Equal(Count, store.GetStatistics().Pages);
        for (int number = 0; number < Count; number++)
            Assert.True(store.TryRead(number, page) && page.AsSpan().SequenceEqual(Text(PageSize, number)), $"page {number}");
    }

    private static byte[] Text(int bytes, int number)
    {
        StringBuilder text = new();
        for (int line = 1; text.Length < bytes; line++)
            text.Append(CultureInfo.InvariantCulture, $"page {number}, line {line}: {number * line % 7} of {line * line}\n");
        return Encoding.ASCII.GetBytes(text.ToString(0, bytes));
    }
}
