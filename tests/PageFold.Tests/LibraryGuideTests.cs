using System.Globalization;
using System.Text;

namespace PageFold.Tests;

/// <summary>The code of docs/library.md compiles and runs: each of its C# blocks stands here too, line for line.</summary>
public sealed class LibraryGuideTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-guide-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_store_example_runs()
    {
        byte[] bytes = Text(16384, 1);
        byte[] buffer = new byte[16384];

        using PageStore store = new(new PageStoreOptions
        {
            PageSize = 16384,
            Codec = PageCodec.Zstd(level: 3),
            MemoryLimit = 512L << 20,
        });
        StoreOutcome outcome = store.Write(page: 17, bytes);
        if (store.TryRead(17, buffer))
            Console.WriteLine($"{outcome}: {store.GetStatistics().TotalBytes} bytes held");

        Assert.Equal(StoreOutcome.Stored, outcome);
        Assert.Equal(bytes, buffer);
    }

    [Fact]
    public void The_example_of_a_refused_write_gives_up_old_pages()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 2 << 20 });
        byte[] bytes = new byte[4096];
        long oldest = 0;
        for (long page = 0; page < 1000; page++)
        {
            Pages.Fill(bytes, (ulong)page);
            Assert.NotEqual(StoreOutcome.Full, WriteOrGiveUp(store, page, bytes, ref oldest));
        }
        Assert.InRange(oldest, 1, 999);
        Assert.Equal(1000 - oldest, store.GetStatistics().Pages);
    }

    [Fact]
    public void The_recompression_example_makes_old_pages_denser()
    {
        ManualTime clock = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 128L << 20, TrackAccess = true, TimeProvider = clock });
        for (int page = 0; page < 500; page++)
            store.Write(page, Text(4096, page));
        clock.Advance(TimeSpan.FromHours(1));

        byte[]? dictionary = store.TrainDictionary(bytes: 16 << 10, level: 9);
        clock.Advance(TimeSpan.FromHours(1));
        RecompressionResult result = store.Recompress(new RecompressionOptions
        {
            Codec = PageCodec.Zstd(level: 9, dictionary),
            MinAge = TimeSpan.FromMinutes(10),                    // needs TrackAccess
            RetireOthers = true,                                  // frees a codec's number if all four are taken
        });
        Console.WriteLine($"{result.Recompressed} pages, {result.BytesBefore - result.BytesAfter} bytes less");

        Assert.NotNull(dictionary);
        Assert.Equal(500, result.Recompressed);
        Assert.True(result.BytesAfter < result.BytesBefore);
    }

    [Fact]
    public void The_writeback_example_runs()
    {
        string path = Path.Combine(_folder.FullName, "writeback");
        byte[] bytes = Text(4096, 1);

        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = 256L << 20,
            TrackAccess = true,
            Writeback = new WritebackOptions { Path = path, DailyBudget = 10L << 30 },
        });
        store.Write(page: 17, bytes);
        WritebackResult moved = store.WriteBack(new WritebackSelection { MinAge = TimeSpan.FromHours(1) });
        Console.WriteLine($"{moved.Pages} pages have left memory; the run ended: {moved.Stopped}");

        Assert.Equal(0, moved.Pages);
        Assert.Equal(WritebackStop.Finished, moved.Stopped);
    }

    [Fact]
    public void The_snapshot_example_runs()
    {
        string file = Path.Combine(_folder.FullName, "snapshot");
        byte[] buffer = new byte[4096];
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64L << 20 });
        store.Write(17, Text(4096, 1));

        SnapshotResult saved = store.SaveSnapshot(file, new SnapshotOptions { Label = "nightly" });
        using PageStore restored = new(new PageStoreOptions { MemoryLimit = 64L << 20 });
        SnapshotInfo info = restored.LoadSnapshot(file);
        Console.WriteLine($"{info.Label}: {info.Pages} pages of {info.Created}, {saved.FileBytes} bytes");

        Assert.Equal("nightly", info.Label);
        Assert.True(restored.TryRead(17, buffer));
        Assert.Equal(Text(4096, 1), buffer);
    }

    [Fact]
    public void The_example_of_a_session_saves_the_point_in_time()
    {
        string file = Path.Combine(_folder.FullName, "snapshot");
        Lock writers = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64L << 20 });
        store.Write(17, Text(4096, 1));

        using SnapshotSession session = store.BeginSnapshot(file);
        lock (writers)
            session.TakePoint();
        session.Save();

        Assert.Equal(1, Snapshot.ReadInfo(file).Pages);
    }

    [Fact]
    public void The_pool_example_runs()
    {
        byte[] data = Text(1632, 1);
        byte[] buffer = new byte[11];

        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64L << 20 });
        if (!pool.TryAllocate(data, out ZsHandle handle))         // copies the content in; Allocate(size) makes zeros
            return;
        using (ZsMap map = pool.Map(handle, MapMode.ReadWrite))
            map.Span[0] = 1;
        pool.Write(handle, offset: 1, data.AsSpan(1, 10));
        pool.Read(handle, offset: 0, buffer);
        pool.Free(handle);

        Assert.Equal([1, .. data[1..11]], buffer);
    }

    [Fact]
    public void Every_code_block_of_the_guide_stands_in_this_file()
    {
        string[] tests = ["tests/PageFold.Tests/LibraryGuideTests.cs"];
        string guide = DocumentedSnippets.Read("docs/library.md");
        Assert.Empty(DocumentedSnippets.Missing(guide, tests.Select(DocumentedSnippets.Read), out int blocks));
        Assert.Equal(8, blocks);
    }

    private static StoreOutcome WriteOrGiveUp(PageStore store, long page, byte[] bytes, ref long oldest)
    {
        StoreOutcome outcome = store.Write(page, bytes);
        while (outcome == StoreOutcome.Full && oldest < page)
        {
            store.Discard(oldest++);                              // a cache gives up what it needs least
            outcome = store.Write(page, bytes);
        }
        return outcome;
    }

    /// <summary>Lines that have much in common with those of other numbers, and are not the same.</summary>
    private static byte[] Text(int length, int number)
    {
        StringBuilder text = new();
        for (int line = 0; text.Length < length; line++)
        {
            long customer = (number * 7919L + line) * 104729 % 1000003;
            text.Append(CultureInfo.InvariantCulture, $"{{\"customer\": {customer}, \"city\": \"Lisbon\", \"order\": {number ^ line}}}\n");
        }
        return Encoding.ASCII.GetBytes(text.ToString()[..length]);
    }
}
