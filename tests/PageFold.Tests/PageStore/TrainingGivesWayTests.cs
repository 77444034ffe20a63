namespace PageFold.Tests.Store;

/// <summary>A training ends, and its memory is free at once, when a write would be refused without it.</summary>
public sealed class TrainingGivesWayTests : IDisposable
{
    private const int PageSize = 4096;
    private const int Samples = 1000;
    private const long Limit = 32 << 20;

    // Only a test that fails waits so long.
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("pagefold-training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Just after the samples, among the tables, and in the dictionary.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 0.1)]
    [InlineData(1, 0.5)]
    [InlineData(3, 0.3)]
    public async Task Writers_that_fill_the_store_have_the_memory_of_a_training(int writers, double share)
    {
        using PageStore store = Make(Limit);
        store.Index.Loans.Patience = Timeout.InfiniteTimeSpan;
        using ManualResetEventSlim reached = new();
        using ManualResetEventSlim goOn = new();
        List<double> told = [];
        long available = store.GetStatistics().AvailableBytes;
        Steps steps = new(now =>
        {
            told.Add(now);
            if (now < share)
                return;
            reached.Set();
            goOn.Wait();
        });
        Task<byte[]?> training = store.TrainFoldTablesAsync(dictionaryBytes: 16 << 10, leastGain: 0, progress: steps,
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(reached.Wait(Hang, TestContext.Current.CancellationToken));
        int reports = told.Count;
        // A write gets what the training holds.
        Assert.InRange(store.GetStatistics().AvailableBytes, available - (1 << 20), available + (1 << 20));
        int[] written = new int[writers];
        Task all = Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Pages.OnItsOwnThread(() =>
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
        // A writer waits by now, and the training is where it was.
        Assert.True(SpinWait.SpinUntil(() => store.Index.Loans.AreCalledIn, Hang));
        Assert.True(store.Index.Loans.IsAny);
        goOn.Set();
        await all.WaitAsync(Hang, TestContext.Current.CancellationToken);
        string message = (await Assert.ThrowsAsync<MemoryLimitException>(() => training)).Message;
        Assert.Contains("has ended early, and nothing has changed: a write needed its memory within", message, StringComparison.Ordinal);
        Assert.Equal((false, reports), (store.Index.Loans.IsAny, told.Count));
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
        Task<byte[]?> training = store.TrainFoldTablesAsync(leastGain: 0, progress: steps, cancellationToken: cancel.Token);
        Assert.Equal(cancel.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training)).CancellationToken);
        Assert.True(training.IsCanceled);
        Assert.Equal(cancel.Token, Assert.Throws<OperationCanceledException>(
            () => store.TrainFoldTables(leastGain: 0, progress: steps, cancellationToken: cancel.Token)).CancellationToken);
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
