using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>The tasks that borrow memory of the limit for a while, and give it up when a write finds none. Thread-safe.</summary>
/// <remarks>
/// A writer that would be refused calls the loans in and waits, outside the gate, until their memory is back. So a task may enter the gate
/// and wait there for what a writer holds.
/// </remarks>
internal sealed class MemoryLoans(MemoryBudget budget)
{
    // A task looks every few milliseconds whether its loan is called in. One that does not, because a caller's code keeps its thread, must
    // not keep writers for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly object _sync = new();
    private readonly List<MemoryLoan> _loans = [];
    private int _count;

    /// <summary>True if there is a loan. Never waits.</summary>
    public bool IsAny => Volatile.Read(ref _count) != 0;

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
        MemoryLoan loan = new(this, budget, refusal, cancellation);
        lock (_sync)
        {
            _loans.Add(loan);
            Volatile.Write(ref _count, _loans.Count);
        }
        return loan;
    }

    /// <summary>
    /// Ends the tasks and waits until their memory is back, except that of a task which cannot end now. The caller holds nothing that a
    /// task may wait for.
    /// </summary>
    public void CallIn()
    {
        MemoryLoan[] called;
        lock (_sync)
            called = [.. _loans];
        foreach (MemoryLoan loan in called)
            loan.CallIn();
        lock (_sync)
        {
            while (Array.Exists(called, loan => loan.IsComing && _loans.Contains(loan)) && Monitor.Wait(_sync, Patience))
            {
            }
        }
    }

    /// <summary>Ends a loan whose memory is back.</summary>
    public void End(MemoryLoan loan)
    {
        lock (_sync)
        {
            _loans.Remove(loan);
            Volatile.Write(ref _count, _loans.Count);
            Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Wakes those who wait for a loan that is not coming.</summary>
    public void NoteKept()
    {
        lock (_sync)
            Monitor.PulseAll(_sync);
    }
}

/// <summary>Memory of the limit that a task has borrowed. Used by the task's thread; others call it in.</summary>
internal sealed class MemoryLoan : IDisposable
{
    private readonly MemoryLoans _loans;
    private readonly CancellationTokenSource _end;
    private readonly CancellationToken _cancellation;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _isCalledIn;
    private bool _isKept;

    public MemoryLoan(MemoryLoans loans, MemoryBudget budget, Func<Exception> refusal, CancellationToken cancellation)
    {
        (_loans, _cancellation) = (loans, cancellation);
        Memory = new BorrowedMemory(budget, refusal);
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Token = _end.Token;
    }

    /// <summary>The memory.</summary>
    public BorrowedMemory Memory { get; }

    /// <summary>Cancelled when the loan is called in, or the task is cancelled.</summary>
    public CancellationToken Token { get; }

    /// <summary>True if the task ends because its loan was called in, and not because its caller has cancelled it.</summary>
    public bool IsCalledIn => Volatile.Read(ref _isCalledIn) && !_cancellation.IsCancellationRequested;

    /// <summary>
    /// True if the memory comes back soon once it is called in. A task's own thread may write a page, in a callback; it cannot wait for
    /// itself.
    /// </summary>
    public bool IsComing => !IsKept && _thread != Environment.CurrentManagedThreadId;

    /// <summary>True if the task cannot be ended any more.</summary>
    public bool IsKept => Volatile.Read(ref _isKept);

    /// <summary>
    /// Ends the task if it is to end, or else keeps the memory from now on, also when it is called in: the task is about to do what cannot
    /// be ended.
    /// </summary>
    public void Keep()
    {
        Token.ThrowIfCancellationRequested();
        Volatile.Write(ref _isKept, true);
        _loans.NoteKept();
    }

    /// <summary>Tells the task to end.</summary>
    public void CallIn()
    {
        Volatile.Write(ref _isCalledIn, true);
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
