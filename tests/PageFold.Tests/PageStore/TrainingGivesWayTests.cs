namespace PageFold.Tests.Store;

/// <summary>A training ends, and its memory is free at once, when a write would be refused without it.</summary>
public sealed class TrainingGivesWayTests : IDisposable
{
    private const int PageSize = 4096;
    private const int Samples = 1000;
    private const long Limit = 32 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("pagefold-training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Writers_that_fill_the_store_have_the_memory_of_a_training(int writers)
    {
        using PageStore store = Make(Limit);
        Task<byte[]?> training = store.TrainFoldTablesAsync(
            dictionaryBytes: 16 << 10, leastGain: 0, cancellationToken: TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => store.GetStatistics().TrainingBytes > Samples * PageSize || training.IsCompleted);
        Assert.False(training.IsCompleted);
        int[] written = new int[writers];
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Pages.OnItsOwnThread(() =>
        {
            byte[] page = new byte[PageSize];
            for (int number = Samples + writer; ; number += writers, written[writer]++)
            {
                Pages.Fill(page, (ulong)number);
                if (store.Write(number, page) != StoreOutcome.Full)
                    continue;
                // The first refusal comes after the training.
                Assert.Equal((true, 0), (training.IsCompleted, store.Index.Loans.Bytes));
                return;
            }
        })));
        string message = (await Assert.ThrowsAsync<MemoryLimitException>(() => training)).Message;
        Assert.Contains("a write needed its memory within", message, StringComparison.Ordinal);
        Assert.False(store.Index.Loans.IsAny);
        // Nothing of the limit is left that a page would fit in.
        Assert.InRange(store.Index.FreeBytes, 0, writers * PageSize + (64 << 10));
        AssertHolds(store, Enumerable.Range(0, writers).SelectMany(
            writer => Enumerable.Range(0, written[writer]).Select(i => Samples + writer + i * writers)));
    }

    [Fact]
    public void A_write_by_the_training_s_own_thread_is_refused_and_the_training_ends()
    {
        using PageStore store = Make(Limit);
        int number = Samples;
        Steps steps = new(_ =>
        {
            byte[] page = new byte[PageSize];
            do
                Pages.Fill(page, (ulong)number);
            while (store.Write(number, page) != StoreOutcome.Full && ++number > 0);
        });
        Assert.Contains("a write needed its memory", Assert.Throws<MemoryLimitException>(
            () => store.TrainFoldTables(leastGain: 0, progress: steps)).Message, StringComparison.Ordinal);
        Assert.Equal(1, store.GetStatistics().RefusedWrites);
        // Now there is room.
        byte[] one = new byte[PageSize];
        Pages.Fill(one, (ulong)number);
        Assert.NotEqual(StoreOutcome.Full, store.Write(number, one));
        AssertHolds(store, Enumerable.Range(Samples, number + 1 - Samples));
    }

    [Fact]
    public void Where_pages_can_leave_memory_instead_training_goes_on()
    {
        using PageStore store = Make(Limit, new WritebackOptions
        {
            Path = Path.Combine(_folder, "file"), MaxBytes = 4 * Limit, DirectReclaim = true,
        });
        int number = Samples;
        Steps steps = new(_ =>
        {
            byte[] page = new byte[PageSize];
            for (int end = number + 300; number < end; number++)
            {
                Pages.Fill(page, (ulong)number);
                Assert.NotEqual(StoreOutcome.Full, store.Write(number, page));
            }
        });
        Assert.NotNull(store.TrainFoldTables(leastGain: 0, progress: steps));
        Assert.NotEqual(0, store.GetStatistics().WrittenBackPages);
        AssertHolds(store, Enumerable.Range(Samples, number - Samples));
    }

    [Fact]
    public async Task A_caller_that_cancels_hears_of_that_and_not_of_a_write()
    {
        using PageStore store = Make(Limit);
        using CancellationTokenSource cancel = new();
        Steps steps = new(_ =>
        {
            cancel.Cancel();
            store.Index.Loans.CallIn().Dispose();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.TrainFoldTablesAsync(leastGain: 0, progress: steps, cancellationToken: cancel.Token));
        Assert.False(store.Index.Loans.IsAny);
    }

    private static PageStore Make(long limit, WritebackOptions? writeback = null)
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = limit, Writeback = writeback });
        byte[] page = new byte[PageSize];
        for (int number = 0; number < Samples; number++)
        {
            Fill(page, number);
            store.Write(number, page);
        }
        return store;
    }

    private static void AssertHolds(PageStore store, IEnumerable<int> noise)
    {
        byte[] expected = new byte[PageSize];
        byte[] read = new byte[PageSize];
        for (int number = 0; number < Samples; number++)
        {
            Fill(expected, number);
            Assert.True(store.TryRead(number, read));
            Assert.True(read.AsSpan().SequenceEqual(expected));
        }
        Assert.All(noise, number => Assert.True(store.TryRead(number, read) && Pages.Holds(read, (ulong)number)));
    }

    private static void Fill(byte[] page, int number) => Pages.FillCompressible(page, (ulong)number, 0.1 + number % 7 * 0.1);

    private sealed class Steps(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
