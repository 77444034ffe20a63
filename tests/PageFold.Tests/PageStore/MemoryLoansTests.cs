using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>Memory that a task has borrowed comes back when a writer calls it in, and no writer waits for what does not come.</summary>
public class MemoryLoansTests
{
    private readonly MemoryBudget _budget = new(1 << 20);

    [Fact]
    public async Task Who_calls_loans_in_has_the_memory_when_it_goes_on()
    {
        MemoryLoans loans = new(_budget);
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
        Assert.Equal((3 << 18, 3 << 18), (loans.Bytes, _budget.Used));
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Pages.OnItsOwnThread(() =>
        {
            loans.CallIn();
            Assert.Equal((0, false), (_budget.Used, loans.IsAny));
        })));
        await task;
        // Without a loan there is nothing to wait for.
        loans.CallIn();
    }

    [Fact]
    public async Task A_loan_that_is_kept_keeps_no_writer()
    {
        MemoryLoans loans = new(_budget);
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim end = new();
        Task task = Pages.OnItsOwnThread(() =>
        {
            using MemoryLoan loan = loans.Begin(Refusal, CancellationToken.None);
            loan.Memory.Reserve(1000);
            loan.Keep();
            begun.Set();
            end.Wait();
        });
        begun.Wait(TestContext.Current.CancellationToken);
        loans.CallIn();
        Assert.Equal(1000, _budget.Used);
        end.Set();
        await task;
        Assert.Equal(0, _budget.Used);
    }

    [Fact]
    public void A_task_that_is_called_in_before_it_keeps_its_loan_ends()
    {
        MemoryLoans loans = new(_budget);
        using CancellationTokenSource cancel = new();
        using (MemoryLoan loan = loans.Begin(Refusal, cancel.Token))
        {
            // Of its own thread: it does not wait for itself.
            loans.CallIn();
            Assert.Throws<OperationCanceledException>(loan.Keep);
            Assert.True(loan.IsCalledIn);
            cancel.Cancel();
            Assert.False(loan.IsCalledIn);
        }
        Assert.False(loans.IsAny);
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

    // No other code throws it.
    private static TimeZoneNotFoundException Refusal() => new();
}
