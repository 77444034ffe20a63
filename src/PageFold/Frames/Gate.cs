using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>
/// Counts the operations that are inside a pool or store, so that its memory is freed only after the last of them has left. Entering and leaving touch a
/// counter of the current processor alone.
/// </summary>
/// <remarks>
/// Closing and entering race like this: entering adds to a counter and then looks at the flag, closing sets the flag and then adds up the
/// counters, with full fences between. Either the operation sees the flag and leaves, or the sum sees the operation. An operation leaves through the
/// counter it came in by, so no counter goes below zero and a sum of zero means that nobody is inside. Working alone is decided in the same way.
/// <para>
/// The gate has the only finalizer of all that an owner is made of. The collector finds the parts of a forgotten owner in any order, and
/// another finalizer may still call the owner; so no part frees anything by itself, and the gate closes before it has anything freed.
/// </para>
/// </remarks>
#pragma warning disable CA1001 // see _closing
internal sealed class Gate
#pragma warning restore CA1001
{
    private const int Closed = 1;
    private const int Alone = 2;
    private const int PatienceMilliseconds = 2;
    private const int MostPatienceMilliseconds = 64;

    private readonly Counter[] _inside = new Counter[Stripes.Count];
    // Without a timer or a wait handle the source holds nothing that would have to be disposed.
    private readonly CancellationTokenSource _closing = new();
    private readonly Action _finish;
    private Action<bool>? _forgotten;
    private int _state;
    private int _finished;

    /// <param name="finish">Runs once, when the gate is closed and the last operation has left. It also keeps the owner alive while operations run.</param>
    public Gate(Action finish)
    {
        _finish = finish;
        Closing = _closing.Token;
    }

    ~Gate()
    {
        if (Interlocked.Exchange(ref _finished, 1) != 0)
            return;
        Interlocked.Or(ref _state, Closed);
        // No operation is running: it would keep the gate alive. What counts as inside is a mapping that was not disposed.
        _forgotten?.Invoke(CountInside() != 0);
    }

    /// <summary>True while a thread works alone, or waits inside for the others to leave. For tests.</summary>
    internal bool IsForOne => (Volatile.Read(ref _state) & Alone) != 0;

    /// <summary>Cancelled when the gate closes.</summary>
    public CancellationToken Closing { get; }

    /// <summary>
    /// Says what becomes of the memory when the owner is collected before the gate has finished: the action, on the finalizer's thread,
    /// hears whether a mapping is open.
    /// </summary>
    public void WhenForgotten(Action<bool> forget) => _forgotten = forget;

    /// <summary>Enters, or throws <see cref="ObjectDisposedException"/> if the gate is closed. Returns what <see cref="Exit"/> needs.</summary>
    public int Enter()
    {
        if (!TryEnter(out int stripe))
            Throw.Disposed(_finish.Target!);
        return stripe;
    }

    public bool TryEnter(out int stripe)
    {
        SpinWait spin = default;
        while (true)
        {
            stripe = Stripes.Current;
            Interlocked.Increment(ref _inside[stripe].Value);
            int state = Volatile.Read(ref _state);
            if (state == 0)
                return true;
            Exit(stripe);
            if ((state & Closed) != 0)
                return false;
            // Somebody works alone, for a moment.
            spin.SpinOnce();
        }
    }

    /// <summary>
    /// Runs an action of one who is inside while nobody else is: waits a little for the others to leave and keeps new ones out meanwhile. False, without running it, if
    /// others stay or somebody else has the same in mind. The caller holds nothing that others inside may wait for.
    /// </summary>
    public bool TryRunAlone(Action action) => TryRunAlone(action, PatienceMilliseconds);

    /// <summary>
    /// Runs an action while nobody else is inside, however long that takes to come about: tries with ever more patience, and lets the others go on in between. The caller is not
    /// inside and holds nothing that others inside may wait for.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The gate was closed; the action has not run.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the action has not run.</exception>
    public void RunAlone(Action action, CancellationToken cancellationToken)
    {
        for (int patience = PatienceMilliseconds; ; patience = Math.Min(2 * patience, MostPatienceMilliseconds))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Outside between two attempts: two who stayed inside would wait for each other.
            int stripe = Enter();
            try
            {
                if (TryRunAlone(action, patience))
                    return;
            }
            finally
            {
                Exit(stripe);
            }
            Thread.Sleep(1);
        }
    }

    private bool TryRunAlone(Action action, int patience)
    {
        if ((Interlocked.Or(ref _state, Alone) & Alone) != 0)
            return false;
        try
        {
            long deadline = Environment.TickCount64 + patience;
            SpinWait spin = default;
            while (CountInside() > 1)
            {
                if (Environment.TickCount64 > deadline)
                    return false;
                spin.SpinOnce(sleep1Threshold: -1);
            }
            action();
            return true;
        }
        finally
        {
            Interlocked.And(ref _state, ~Alone);
        }
    }

    public void Exit(int stripe)
    {
        Interlocked.Decrement(ref _inside[stripe].Value);
        if ((Volatile.Read(ref _state) & Closed) != 0)
            FinishIfEmpty();
    }

    /// <summary>Lets nobody in any more; frees at once, or when the last operation leaves.</summary>
    public void Close()
    {
        if ((Interlocked.Or(ref _state, Closed) & Closed) != 0)
            return;
        _closing.Cancel();
        FinishIfEmpty();
    }

    private void FinishIfEmpty()
    {
        if (CountInside() == 0 && Interlocked.Exchange(ref _finished, 1) == 0)
            _finish();
    }

    private int CountInside()
    {
        Interlocked.MemoryBarrier();
        int inside = 0;
        foreach (ref Counter counter in _inside.AsSpan())
            inside += Volatile.Read(ref counter.Value);
        return inside;
    }

    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Counter
    {
        public int Value;
    }
}

/// <summary>Divides what every thread touches into as many parts as there are processors, a power of two, at most 64.</summary>
internal static class Stripes
{
    public static int Count { get; } = (int)Math.Min(64, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount));

    /// <summary>The current processor's part; by the time it is used the thread may have moved on, which costs speed and nothing else.</summary>
    public static int Current => Thread.GetCurrentProcessorId() & Count - 1;
}
