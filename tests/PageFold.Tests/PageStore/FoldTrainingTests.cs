using System.Text;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Tables of Fold trained on a store's own pages, within its limit, and kept only where they gain.</summary>
public class FoldTrainingTests
{
    private const int PageSize = 4096;
    private const int Count = 256;

    // The most bytes of a set of tables without a dictionary: header, boxes, codes and identity.
    private const int TablesAlone = 16 + 256 * 9 + 2 * 15 * 128 + 8;

    private static readonly string[] Words = [.. Enumerable.Range(0, 400).Select(MakeWord)];

    [Theory]
    [InlineData(FoldLevel.Fast)]
    [InlineData(FoldLevel.Dense)]
    public void Trained_tables_make_pages_smaller_and_every_page_is_read_back(FoldLevel level)
    {
        using PageStore store = Make(Letters);
        long lz4 = store.GetStatistics().CompressedBytes;
        byte[] tables = store.TrainFoldTables(level, leastGain: level == FoldLevel.Dense ? 0.1 : 0)!;
        Assert.NotNull(tables);
        store.Recompress(new RecompressionOptions { Codec = PageCodec.Fold(level), RetryWithoutGain = true });
        long builtIn = store.GetStatistics().CompressedBytes;
        store.Recompress(new RecompressionOptions { Codec = PageCodec.Fold(level, tables), RetryWithoutGain = true });
        long trained = store.GetStatistics().CompressedBytes;
        Assert.True(trained < builtIn && trained < lz4, $"{trained} trained, {builtIn} built in, {lz4} before");
        CodecUse use = Assert.Single(store.Codecs, codec => codec.DictionaryBytes > 0);
        Assert.Equal(("fold", (int)level, tables.Length), (use.Name, use.Level, use.DictionaryBytes));
        Assert.Equal((level, tables.Length), ((FoldLevel)use.Level, use.DictionaryBytes));
        Assert.Equal(trained, CompressedWith(store.FindCodec(use.Number)!));
        Assert.All((int[])[-1, 4, Enumerable.Range(0, 4).First(number => store.Codecs.All(codec => codec.Number != number))],
            number => Assert.Null(store.FindCodec(number)));
        AssertHolds(store, Letters);

        static long CompressedWith(PageCodec codec)
        {
            using PageStore other = Make(Letters, new PageStoreOptions { Codec = codec, MemoryLimit = 64 << 20 });
            return other.GetStatistics().CompressedBytes;
        }
    }

    [Fact]
    public void Tables_that_gain_too_little_are_not_returned()
    {
        using PageStore store = Make(Letters);
        Assert.Null(store.TrainFoldTables(leastGain: 0.9));
        // Nothing is left to gain over tables that were trained on the same pages.
        byte[] tables = store.TrainFoldTables()!;
        store.AddCodec(PageCodec.Fold(FoldLevel.Dense, tables));
        Assert.Null(store.TrainFoldTables());
        // So says the training: how many pages, and what they would gain.
        FoldTraining training = store.RunFoldTraining();
        Assert.Equal((true, Count, false), (training.Tables.IsEmpty, training.Samples, training.IsShortOfMemory));
        Assert.InRange(training.Gain!.Value, -0.02, 0.019999);
        // Of the other level nothing is trained yet.
        Assert.NotNull(store.TrainFoldTables(FoldLevel.Fast, leastGain: 0));
        // Tables that came with another version of the library are in use as well as any.
        using PageStore restored = Make(Letters);
        restored.AddCodec(FoldCodec.TryMake(FoldLevel.Dense, tables, isOfLibrary: true)!);
        Assert.Null(restored.TrainFoldTables());
    }

    [Fact]
    public void A_prefaulted_store_trains_in_frames_that_nothing_uses()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 96 << 20 });
        store.Prefault();
        Fill(store, Letters);
        long used = store.Index.Budget.Used;
        // Nothing but what a sixteenth of the limit leaves is free besides.
        Assert.InRange(store.Index.Budget.Available, 0, 6 << 20);
        long most = 0;
        Assert.NotNull(store.TrainFoldTables(
            leastGain: 0, progress: new Steps(_ => most = Math.Max(most, store.GetStatistics().TrainingBytes))));
        // All pages are samples, as in a store that is not prefaulted.
        Assert.InRange(most, Count * PageSize + FoldTrainer.MaxWorkBytes(Count * PageSize * 3 / 4, PageSize, 0), 96 << 20);
        store.ResetPeak();
        // Also where they have nothing in common.
        store.TrainDictionary(32 << 10);
        Assert.InRange(store.Index.Budget.Peak - used, (12 << 20) + Count * PageSize, 96 << 20);
        Assert.Equal(used, store.Index.Budget.Used);
        AssertHolds(store, Letters);
    }

    [Fact]
    public void A_training_ends_with_its_store()
    {
        int reports = 0;
        PageStore store = Make(Records);
        Steps steps = new(_ =>
        {
            reports++;
            store.Dispose();
        });
        Assert.Throws<ObjectDisposedException>(() => store.TrainFoldTables(dictionaryBytes: 4096, leastGain: 0, progress: steps));
        Assert.Equal((1, false), (reports, store.Index.Loans.IsAny));
    }

    [Fact]
    public void What_progress_throws_reaches_the_caller_and_at_the_end_the_memory_is_back()
    {
        using PageStore store = Make(Records);
        long used = store.Index.Budget.Used;
        foreach (double share in (double[])[0, 0.5, 1])
        {
            Steps steps = new(now =>
            {
                if (now < share)
                    return;
                Assert.Equal(now == 1, store.GetStatistics().TrainingBytes == 0);
                throw new TimeZoneNotFoundException();
            });
            Assert.Throws<TimeZoneNotFoundException>(() => store.TrainFoldTables(leastGain: 0, progress: steps));
            Assert.Equal((used, false), (store.Index.Budget.Used, store.Index.Loans.IsAny));
        }
        // A token of its own is not the training's.
        OperationCanceledException own = new(new CancellationToken(true));
        Assert.Same(own, Assert.Throws<OperationCanceledException>(
            () => store.TrainFoldTables(leastGain: 0, progress: new Steps(_ => throw own))));
    }

    [Fact]
    public void A_dictionary_is_trained_where_it_gains()
    {
        using PageStore store = Make(Records);
        byte[] without = store.TrainFoldTables(leastGain: 0)!;
        byte[] with = store.TrainFoldTables(dictionaryBytes: 4 << 10, leastGain: 0)!;
        Assert.InRange(with.Length, without.Length + 1024, TablesAlone + (4 << 10));
        long before = Bytes(without);
        Assert.InRange(Bytes(with), 1, before - before / 10);
        // What has nothing in common that a dictionary could have gets tables alone.
        using PageStore noise = Make(Letters);
        Assert.InRange(noise.TrainFoldTables(dictionaryBytes: 4 << 10, leastGain: 0)!.Length, 1, TablesAlone);

        long Bytes(byte[] tables)
        {
            store.Recompress(new RecompressionOptions { Codec = PageCodec.Fold(FoldLevel.Dense, tables), RetryWithoutGain = true });
            AssertHolds(store, Records);
            return store.GetStatistics().CompressedBytes;
        }
    }

    [Fact]
    public void Of_few_pages_nothing_is_trained()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Assert.Null(store.TrainFoldTables());
        byte[] page = new byte[PageSize];
        for (int number = 0; number < 200; number++)
        {
            // Same-filled pages are no samples.
            if (number < 63)
                Letters(page, number);
            else
                page.AsSpan().Clear();
            store.Write(number, page);
        }
        Assert.Null(store.TrainFoldTables(leastGain: 0));
        Letters(page, 63);
        store.Write(63, page);
        Assert.NotNull(store.TrainFoldTables(leastGain: 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4 << 10)]
    public void Training_is_charged_and_gives_everything_back(int dictionaryBytes)
    {
        using PageStore store = Make(Records);
        // What is made once, such as the built-in tables, is there then.
        Assert.NotNull(store.TrainFoldTables(dictionaryBytes: dictionaryBytes));
        store.ResetPeak();
        long used = store.Index.Budget.Used;
        int blocks = store.Index.Budget.BlockCount;
        long managed = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotNull(store.TrainFoldTables(dictionaryBytes: dictionaryBytes));
        managed = GC.GetAllocatedBytesForCurrentThread() - managed;
        Assert.Equal((used, blocks, 0), (store.Index.Budget.Used, store.Index.Budget.BlockCount, store.GetStatistics().TrainingBytes));
        // The samples, and what it takes to choose boxes, or a dictionary; a quarter of the samples trains nothing.
        Assert.Equal(Count * PageSize + FoldTrainer.MaxWorkBytes(Count * PageSize * 3 / 4, PageSize, dictionaryBytes),
            store.Index.Budget.Peak - used);
        // Next to nothing is beside that, all that was garbage at some time included.
        Assert.InRange(managed, 1, dictionaryBytes == 0 ? 1 << 20 : 3 << 20);
    }

    [Fact]
    public void Without_memory_for_it_training_is_refused_and_nothing_has_changed()
    {
        AllocationFaults faults = new();
        using PageStore store = Make(Records, new PageStoreOptions { MemoryLimit = 64 << 20, Faults = faults });
        long used = store.Index.Budget.Used;
        bool isDone = false;
        int refused = 0;
        for (int nth = 1; !isDone; nth = 1 + 2 * nth)
        {
            faults.Refuse(nth, 100_000);
            try
            {
                store.TrainFoldTables(dictionaryBytes: 4096, leastGain: 0);
                isDone = true;
            }
            catch (MemoryLimitException e)
            {
                Assert.Contains("train tables", e.Message, StringComparison.Ordinal);
                Assert.Contains(
                    "discard some pages, and compact, then try again, or raise MemoryLimit, or train without a dictionary (dictionaryBytes",
                    e.Message, StringComparison.Ordinal);
                refused++;
            }
            faults.Clear();
            Assert.Equal((used, false), (store.Index.Budget.Used, store.Index.Loans.IsAny));
        }
        Assert.InRange(refused, 4, 100);
        using PageStore small = Make(Letters, new PageStoreOptions { MemoryLimit = 4 << 20 });
        string refusal = Assert.Throws<MemoryLimitException>(() => small.TrainFoldTables()).Message;
        Assert.Contains("4,194,304", refusal, StringComparison.Ordinal);
        Assert.EndsWith("; raise MemoryLimit.", refusal, StringComparison.Ordinal);
        Assert.True(small.Index.Budget.Peak <= 4 << 20);
    }

    [Fact]
    public async Task Training_is_cancelled_and_runs_on_a_thread_of_its_own()
    {
        using PageStore store = Make(Letters);
        CancellationToken cancelled = new(true);
        Assert.Throws<OperationCanceledException>(() => store.TrainFoldTables(cancellationToken: cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.TrainFoldTablesAsync(cancellationToken: cancelled));
        long used = store.Index.Budget.Used;
        using CancellationTokenSource soon = new();
        Task<byte[]?> training = store.TrainFoldTablesAsync(dictionaryBytes: 64 << 10, cancellationToken: soon.Token);
        Assert.True(SpinWait.SpinUntil(() => store.Index.Budget.Used > used, TimeSpan.FromMinutes(1)));
        await soon.CancelAsync();
        Assert.Equal(soon.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training)).CancellationToken);
        Assert.True(training.IsCanceled);
        Assert.Equal(used, store.Index.Budget.Used);
        Assert.NotNull(await store.TrainFoldTablesAsync(cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Training_tells_how_far_it_is_and_leaves_nothing_wherever_it_is_cancelled()
    {
        using PageStore store = Make(Records);
        long used = store.Index.Budget.Used;
        List<double> told = [];
        Steps steps = new(told.Add);
        Assert.NotNull(store.TrainFoldTables(dictionaryBytes: 4096, progress: steps));
        Assert.Equal(told.Order(), told);
        Assert.Equal(1, told[^1]);
        Assert.InRange(told.Count, 20, 101);
        foreach (double share in told.Where((_, i) => i % 16 == 0))
        {
            using CancellationTokenSource cancel = new();
            Steps until = new(now =>
            {
                PageStoreStatistics statistics = store.GetStatistics();
                Assert.InRange(statistics.TrainingBytes, Count * PageSize, statistics.TableBytes);
                if (now >= share)
                    cancel.Cancel();
            });
            if (share < 1)
                Assert.Equal(cancel.Token, Assert.Throws<OperationCanceledException>(() => store.TrainFoldTables(
                    dictionaryBytes: 4096, progress: until, cancellationToken: cancel.Token)).CancellationToken);
            Assert.Equal((used, 0), (store.Index.Budget.Used, store.GetStatistics().TrainingBytes));
        }
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        Assert.Contains("Level 7", Refusal(() => store.TrainFoldTables((FoldLevel)7)), StringComparison.Ordinal);
        Assert.Contains("1024 to 65536 bytes, not 1023", Refusal(() => store.TrainFoldTables(dictionaryBytes: 1023)),
            StringComparison.Ordinal);
        Assert.Contains("not 65537; 0 is for none", Refusal(() => store.TrainFoldTables(dictionaryBytes: 65537)), StringComparison.Ordinal);
        foreach (double gain in (double[])[-0.1, 1, double.NaN])
            Assert.Contains("from 0 to less than 1", Refusal(() => store.TrainFoldTables(leastGain: gain)), StringComparison.Ordinal);

        static string Refusal(Action train) => Assert.Throws<ArgumentOutOfRangeException>(train).Message;
    }

    private static PageStore Make(Action<byte[], int> fill, PageStoreOptions? options = null)
    {
        PageStore store = new(options ?? new PageStoreOptions { MemoryLimit = 256 << 20 });
        Fill(store, fill);
        return store;
    }

    private static void Fill(PageStore store, Action<byte[], int> fill)
    {
        byte[] page = new byte[PageSize];
        for (int number = 0; number < Count; number++)
        {
            fill(page, number);
            store.Write(number, page);
        }
    }

    private static void AssertHolds(PageStore store, Action<byte[], int> fill)
    {
        byte[] expected = new byte[PageSize];
        byte[] read = new byte[PageSize];
        for (int number = 0; number < Count; number++)
        {
            fill(expected, number);
            Assert.True(store.TryRead(number, read));
            Assert.Equal(expected, read);
        }
    }

    // Sixteen values that are rare elsewhere, and now and then what was there 24 bytes before.
    private static void Letters(byte[] page, int number)
    {
        Random random = new(number);
        for (int i = 0; i < page.Length; i++)
            page[i] = i > 24 && i % 24 < 7 ? page[i - 24] : (byte)(0xE0 + random.Next(16));
    }

    private static string MakeWord(int number)
    {
        Random word = new(number);
        return string.Concat(Enumerable.Range(0, 20).Select(_ => (char)word.Next('a', 'z')));
    }

    // Words that all pages have, of which a page has few twice.
    private static void Records(byte[] page, int number)
    {
        Random random = new(number);
        for (int at = 0; at < page.Length;)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(Words[random.Next(Words.Length)] + random.Next(100));
            int count = Math.Min(bytes.Length, page.Length - at);
            bytes.AsSpan(0, count).CopyTo(page.AsSpan(at));
            at += count;
        }
    }

    private sealed class Steps(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
