using System.Diagnostics.CodeAnalysis;
using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>
/// The tasks that borrow memory of the limit for a while, and give it up for an operation that finds none. Thread-safe; calling loans in
/// allocates nothing on the GC heap but what ends a task.
/// </summary>
/// <remarks>
/// An operation that would be refused calls the loans in and waits, outside the gate, until their memory is back. So a task may enter the
/// gate and wait there for what a writer holds. Until that operation has had its memory no loan begins: a task that asks for one is
/// refused, and does not wait.
/// </remarks>
/// <param name="budget">What the loans are charged to.</param>
/// <param name="closing">Cancelled when the budget's owner is disposed, which ends the tasks.</param>
internal sealed class MemoryLoans(MemoryBudget budget, CancellationToken closing = default)
{
    private readonly object _sync = new();
    private readonly List<MemoryLoan> _loans = [];
    private int _coming;
    private int _recalls;
    private long _ended;

    /// <summary>
    /// How long a loan that was called in is waited for. A task looks every few milliseconds whether it is to end. One that does not,
    /// because a caller's code keeps its thread, counts as kept from then on, so that it does not keep every operation so long.
    /// </summary>
    /// <remarks>Set by tests.</remarks>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>True if there is a loan whose memory comes back when it is called in. Never waits.</summary>
    public bool IsAny => Volatile.Read(ref _coming) != 0;

    /// <summary>How many loans have ended so far. Never waits.</summary>
    /// <remarks>
    /// An operation reads it before its last attempt. If it finds no memory then, and afterwards there is a loan, or another number of them
    /// has ended, a loan may have had that memory.
    /// </remarks>
    public long Ended => Volatile.Read(ref _ended);

    /// <summary>True while an operation has called loans in. For tests.</summary>
    public bool AreCalledIn => Volatile.Read(ref _recalls) != 0;

    /// <summary>Bytes of all loans.</summary>
    public long Bytes
    {
        get
        {
            long bytes = 0;
            lock (_sync)
            {
                foreach (MemoryLoan loan in _loans)
                    bytes += loan.Memory.Bytes;
            }
            return bytes;
        }
    }

    /// <summary>Bytes of those loans that a write gets if it finds no other memory.</summary>
    public long ComingBytes
    {
        get
        {
            long bytes = 0;
            lock (_sync)
            {
                foreach (MemoryLoan loan in _loans)
                    bytes += loan.IsKept ? 0 : loan.Memory.Bytes;
            }
            return bytes;
        }
    }

    /// <summary>Begins a loan for a task on this thread, which disposes it.</summary>
    /// <param name="refusal">Makes the exception for a task that needs more memory than there is.</param>
    /// <param name="cancellation">Ends the task.</param>
    public MemoryLoan Begin(Func<Exception> refusal, CancellationToken cancellation)
    {
        lock (_sync)
        {
            // To wait would be wrong too: the operation that needs the memory may wait for what the task's caller holds.
            if (_recalls != 0)
                throw refusal();
            MemoryLoan loan = new(this, budget, refusal, cancellation, closing);
            _loans.Add(loan);
            Volatile.Write(ref _coming, _coming + 1);
            return loan;
        }
    }

    /// <summary>
    /// Ends the tasks and waits until their memory is back, except that of a task which cannot end now. The caller holds nothing that a
    /// task may wait for. No loan begins until the result is disposed, when the caller has made use of that memory.
    /// </summary>
    public Recall CallIn()
    {
        lock (_sync)
            _recalls++;
        while (TryMark(out MemoryLoan? loan))
            loan.Cancel();
        lock (_sync)
        {
            while (IsAnyComing())
            {
                if (!Monitor.Wait(_sync, Patience))
                    KeepAll();
            }
        }
        return new Recall(this);
    }

    /// <summary>Keeps a loan from now on; false if it was called in already.</summary>
    public bool TryKeep(MemoryLoan loan)
    {
        lock (_sync)
        {
            if (!loan.IsCalledIn)
                Keep(loan);
            return !loan.IsCalledIn;
        }
    }

    /// <summary>Ends a loan whose memory is back.</summary>
    public void End(MemoryLoan loan)
    {
        lock (_sync)
        {
            // Before it no longer counts as one that is there: who finds none reads this next.
            if (_loans.Remove(loan))
                Volatile.Write(ref _ended, _ended + 1);
            Keep(loan);
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Finds a loan that is to be told that it was called in.</summary>
    private bool TryMark([NotNullWhen(true)] out MemoryLoan? loan)
    {
        lock (_sync)
        {
            loan = null;
            foreach (MemoryLoan one in _loans)
            {
                if (!one.IsCalledIn && !one.IsKept)
                    loan = one;
            }
            if (loan is not null)
                loan.IsCalledIn = true;
            return loan is not null;
        }
    }

    private bool IsAnyComing()
    {
        foreach (MemoryLoan loan in _loans)
        {
            if (loan.IsComing)
                return true;
        }
        return false;
    }

    private void KeepAll()
    {
        foreach (MemoryLoan loan in _loans)
        {
            if (loan.IsComing)
                Keep(loan);
        }
        // The others need not lose their patience too.
        Monitor.PulseAll(_sync);
    }

    private void Keep(MemoryLoan loan)
    {
        if (loan.IsKept)
            return;
        loan.IsKept = true;
        Volatile.Write(ref _coming, _coming - 1);
    }

    private void EndRecall()
    {
        lock (_sync)
            _recalls--;
    }

    /// <summary>The time in which an operation has the memory of the loans that it has called in.</summary>
    public readonly ref struct Recall(MemoryLoans loans)
    {
        public void Dispose() => loans.EndRecall();
    }
}

/// <summary>Memory of the limit that a task has borrowed. Used by the task's thread; others call it in.</summary>
internal sealed class MemoryLoan : IDisposable
{
    private readonly MemoryLoans _loans;
    private readonly CancellationTokenSource _end;
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public MemoryLoan(
        MemoryLoans loans, MemoryBudget budget, Func<Exception> refusal, CancellationToken cancellation, CancellationToken closing)
    {
        _loans = loans;
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing);
        Token = _end.Token;
        Memory = new BorrowedMemory(budget, refusal, Token);
    }

    /// <summary>The memory. A task that is to end gets no more.</summary>
    public BorrowedMemory Memory { get; }

    /// <summary>Cancelled when the loan is called in, or the task is cancelled, or the owner of the budget is disposed.</summary>
    public CancellationToken Token { get; }

    /// <summary>True once the loan was called in. Set by <see cref="MemoryLoans"/> under its lock, as the next one.</summary>
    public bool IsCalledIn { get; set; }

    /// <summary>True once no operation waits for the memory any more, whether it was called in or not.</summary>
    public bool IsKept { get; set; }

    /// <summary>
    /// True if the memory comes back soon once it is called in. A task's own thread may write a page, in a callback; it cannot wait for
    /// itself.
    /// </summary>
    public bool IsComing => !IsKept && _thread != Environment.CurrentManagedThreadId;

    /// <summary>
    /// Ends the task if it is to end, or else keeps the memory from now on, also when it is called in: the task is about to do what cannot
    /// be ended.
    /// </summary>
    public void Keep()
    {
        Token.ThrowIfCancellationRequested();
        // Called in, and not cancelled yet.
        if (!_loans.TryKeep(this))
            throw new OperationCanceledException(Token);
    }

    /// <summary>Tells the task to end.</summary>
    public void Cancel()
    {
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The task has ended meanwhile.
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Memory.Dispose();
        _loans.End(this);
        _end.Dispose();
    }
}
