using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>
/// Memory that a task has borrowed comes back when an operation calls it in, and no operation waits for what does not come.
/// </summary>
public class MemoryLoansTests
{
    // Only a test that fails waits so long.
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(1);

    private readonly MemoryBudget _budget = new(1 << 20);

    [Fact]
    public async Task Who_calls_loans_in_has_the_memory_when_it_goes_on()
    {
        MemoryLoans loans = new(_budget) { Patience = Timeout.InfiniteTimeSpan };
        using ManualResetEventSlim begun = new();
        Task task = Pages.OnItsOwnThread(() =>
        {
            using MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None);
            loan.Memory.Allocate(1 << 19);
            loan.Memory.Use(1 << 18);
            begun.Set();
            loan.Token.WaitHandle.WaitOne();
            Assert.True(loan.IsCalledIn);
        });
        begun.Wait(TestContext.Current.CancellationToken);
        Assert.True(loans.IsAny);
        Assert.Equal((3 << 18, 3 << 18, 0), (loans.Bytes, _budget.Used, loans.Ended));
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Pages.OnItsOwnThread(() =>
        {
            using MemoryLoans.Recall recall = loans.CallIn();
            Assert.Equal((0, false, 1), (_budget.Used, loans.IsAny, loans.Ended));
        }))).WaitAsync(Hang, TestContext.Current.CancellationToken);
        await task;
        // Without a loan there is nothing to wait for.
        loans.CallIn().Dispose();
        Assert.False(loans.AreCalledIn);
    }

    [Fact]
    public async Task A_loan_that_is_kept_keeps_no_writer()
    {
        MemoryLoans loans = new(_budget) { Patience = Timeout.InfiniteTimeSpan };
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim end = new();
        Task task = Pages.OnItsOwnThread(() =>
        {
            using MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None);
            loan.Memory.Reserve(1000);
            loan.Keep();
            loan.Keep();
            begun.Set();
            end.Wait();
            Assert.False(loan.IsCalledIn || loan.Token.IsCancellationRequested);
        });
        begun.Wait(TestContext.Current.CancellationToken);
        Assert.False(loans.IsAny);
        await CallInElsewhere(loans);
        Assert.Equal(1000, _budget.Used);
        end.Set();
        await task;
        Assert.Equal((0, false, 1), (_budget.Used, loans.IsAny, loans.Ended));
    }

    [Fact]
    public void A_task_that_is_called_in_before_it_keeps_its_loan_ends()
    {
        // Own threads are not waited for, or else the wait would end with a loan that is kept.
        MemoryLoans loans = new(_budget) { Patience = TimeSpan.FromMilliseconds(1) };
        using (MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None))
        {
            loans.CallIn().Dispose();
            Assert.Equal((true, false, true), (loan.IsCalledIn, loan.IsKept, loans.IsAny));
            Assert.Equal(loan.Token, Assert.Throws<OperationCanceledException>(loan.Keep).CancellationToken);
            Assert.False(loans.TryKeep(loan) || loan.IsKept);
            // Nor does it take more of what the operation needs.
            Assert.Throws<OperationCanceledException>(() => loan.Memory.Reserve(1));
        }
        Assert.Equal((false, 0), (loans.IsAny, _budget.Used));
    }

    [Fact]
    public async Task A_loan_that_does_not_come_is_waited_for_once()
    {
        MemoryLoans loans = new(_budget) { Patience = Timeout.InfiniteTimeSpan };
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim end = new();
        Task task = Pages.OnItsOwnThread(() =>
        {
            using MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None);
            loan.Memory.Reserve(1000);
            begun.Set();
            end.Wait();
            Assert.True(loan.IsCalledIn && loan.IsKept);
            Assert.Throws<OperationCanceledException>(loan.Keep);
        });
        begun.Wait(TestContext.Current.CancellationToken);
        Thread? first = null;
        Task waiting = Pages.OnItsOwnThread(() =>
        {
            Volatile.Write(ref first, Thread.CurrentThread);
            loans.CallIn().Dispose();
        });
        Assert.True(SpinWait.SpinUntil(
            () => loans.AreCalledIn && Volatile.Read(ref first)?.ThreadState.HasFlag(ThreadState.WaitSleepJoin) == true, Hang));
        Assert.True(loans.IsAny);
        loans.Patience = TimeSpan.FromMilliseconds(1);
        await CallInElsewhere(loans);
        // Who has more patience hears of it too.
        await waiting.WaitAsync(Hang, TestContext.Current.CancellationToken);
        Assert.Equal((false, 1000, 0), (loans.IsAny, _budget.Used, loans.Ended));
        loans.Patience = Timeout.InfiniteTimeSpan;
        await CallInElsewhere(loans);
        end.Set();
        await task;
        Assert.Equal((false, 0, 1), (loans.IsAny, _budget.Used, loans.Ended));
        Assert.InRange(new MemoryLoans(_budget).Patience, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Until_an_operation_has_had_its_memory_no_loan_begins()
    {
        MemoryLoans loans = new(_budget);
        using (MemoryLoans.Recall first = loans.CallIn())
        {
            using (MemoryLoans.Recall second = loans.CallIn())
                Assert.Throws<TimeZoneNotFoundException>(() => loans.Begin(Refusal, CancellationToken.None));
            Assert.Throws<TimeZoneNotFoundException>(() => loans.Begin(Refusal, CancellationToken.None));
        }
        Assert.Equal((false, 0), (loans.IsAny, loans.Ended));
        loans.Begin(Refusal, CancellationToken.None).Dispose();
        Assert.Equal((false, 1), (loans.IsAny, loans.Ended));
    }

    [Fact]
    public void A_task_ends_with_the_owner_of_the_budget()
    {
        using CancellationTokenSource closing = new();
        MemoryLoans loans = new(_budget, closing.Token);
        using MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None);
        Assert.False(loan.Token.IsCancellationRequested);
        closing.Cancel();
        Assert.Throws<OperationCanceledException>(() => loan.Memory.Reserve(1));
    }

    [Fact]
    public void More_than_the_limit_is_refused_and_what_was_borrowed_comes_back()
    {
        MemoryLoans loans = new(_budget);
        using (MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None))
        {
            NativeBuffer first = loan.Memory.Allocate(1 << 19);
            Assert.True(first.Span.IndexOfAnyExcept((byte)0) < 0);
            Assert.Throws<TimeZoneNotFoundException>(() => loan.Memory.Use((1 << 19) + 1));
            Assert.Throws<TimeZoneNotFoundException>(() => loan.Memory.Reserve((1 << 19) + 1));
            Assert.Equal((1 << 19, 1 << 19), (loan.Memory.Used, _budget.Used));
            loan.Memory.Free(first);
            loan.Memory.Free(first);
            // What is freed is there for what comes next.
            Assert.Equal((0, 1 << 19), (loan.Memory.Used, _budget.Used));
            loan.Memory.Use(1 << 19);
            Assert.Equal((1 << 19, 1 << 19), (loan.Memory.Bytes, _budget.Used));
            loan.Memory.EndUse(1 << 19);
            loan.Memory.Allocate(1 << 20);
            Assert.Equal((1 << 20, 1 << 20), (loan.Memory.Bytes, _budget.Used));
        }
        Assert.Equal((0, 0), (_budget.Used, _budget.BlockCount));
    }

    private static Task CallInElsewhere(MemoryLoans loans) =>
        Pages.OnItsOwnThread(() => loans.CallIn().Dispose()).WaitAsync(Hang, TestContext.Current.CancellationToken);

    // No other code throws it.
    private static TimeZoneNotFoundException Refusal() => new();
}
