using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>
/// Rundown protection of a pool or store: counts the operations that are inside, so that memory is freed only after the last of them has
/// left. Entering and leaving touch a counter of the current processor alone.
/// </summary>
/// <remarks>
/// <para>
/// The term is the kernel's: an operation acquires rundown protection when it enters and releases it when it leaves. Once the owner is
/// closed, no operation acquires it any more, and the owner is freed when the count reaches zero.
/// </para>
/// <para>
/// Closing and entering race. Entering adds to a counter and then reads the state; closing sets the state and then adds up the counters,
/// with full fences between. So either the operation sees that the gate is closed and leaves, or the sum includes the operation. An
/// operation leaves through the counter it came in by, so no counter goes below zero, and a sum of zero means that no operation is inside.
/// Working alone is decided in the same way.
/// </para>
/// <para>
/// The gate has the only finalizer of all the objects that an owner is made of. The collector finds the parts of a forgotten owner in any
/// order, and another finalizer may still call the owner. So no part frees anything by itself, and the gate closes before it frees.
/// </para>
/// </remarks>
#pragma warning disable CA1001 // see _closing
internal sealed class RundownGate
#pragma warning restore CA1001
{
    private const int Closed = 1;
    private const int Alone = 2;
    private const int PatienceMilliseconds = 2;
    private const int MaxPatienceMilliseconds = 64;

    private readonly Counter[] _inside = new Counter[Stripes.Count];
    // Without a timer or a wait handle the source holds nothing that would have to be disposed.
    private readonly CancellationTokenSource _closing = new();
    private readonly Action _finish;
    private Action<bool>? _forgotten;
    private int _state;
    private int _finished;

    /// <param name="finish">
    /// Runs once, when the gate is closed and the last operation has left. It also keeps the owner alive while operations run.
    /// </param>
    public RundownGate(Action finish)
    {
        _finish = finish;
        Closing = _closing.Token;
    }

    ~RundownGate()
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
    /// Sets what becomes of the memory when the owner is collected before the gate has finished: the action runs on the finalizer's thread
    /// and is told whether a mapping is open.
    /// </summary>
    public void WhenForgotten(Action<bool> forget) => _forgotten = forget;

    /// <summary>Enters until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public Entry Enter()
    {
        if (!TryEnter(out Entry entry))
            Throw.Disposed(_finish.Target!);
        return entry;
    }

    /// <summary>Enters until <paramref name="entry"/> is disposed; false if the gate is closed.</summary>
    public bool TryEnter(out Entry entry)
    {
        SpinWait spin = default;
        while (true)
        {
            int stripe = Stripes.Current;
            Interlocked.Increment(ref _inside[stripe].Value);
            int state = Volatile.Read(ref _state);
            if (state == 0)
            {
                entry = new Entry(this, stripe);
                return true;
            }
            Exit(stripe);
            if ((state & Closed) != 0)
            {
                entry = default;
                return false;
            }
            // Another thread works alone, for a moment.
            spin.SpinOnce();
        }
    }

    /// <summary>
    /// Runs an action while the calling operation is the only one inside: waits a little for others to leave and keeps new ones out
    /// meanwhile. False, without running the action, if an operation stays inside or another thread is already working alone. The caller
    /// is inside and holds nothing that other operations may wait for.
    /// </summary>
    public bool TryRunAlone(Action action) => TryRunAlone(action, PatienceMilliseconds);

    /// <summary>
    /// Runs an action while no other operation is inside, however long it takes until that is so: waits longer with each attempt, and lets
    /// other operations in between two attempts. The caller is not inside and holds nothing that other operations may wait for.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The gate was closed; the action has not run.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the action has not run.</exception>
    public void RunAlone(Action action, CancellationToken cancellationToken)
    {
        for (int patience = PatienceMilliseconds; ; patience = Math.Min(2 * patience, MaxPatienceMilliseconds))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Outside between two attempts: two threads that stayed inside would wait for each other.
            using (Enter())
            {
                if (TryRunAlone(action, patience))
                    return;
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

    /// <summary>Leaves for an operation whose entry is not disposed: a mapping stays inside beyond the call that made it.</summary>
    /// <param name="stripe">The entry's <see cref="Entry.Stripe"/>.</param>
    public void Exit(int stripe)
    {
        Interlocked.Decrement(ref _inside[stripe].Value);
        if ((Volatile.Read(ref _state) & Closed) != 0)
            FinishIfEmpty();
    }

    /// <summary>Refuses new operations; frees at once, or when the last operation leaves.</summary>
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

    /// <summary>An operation that is inside; disposing it leaves.</summary>
    public readonly ref struct Entry
    {
        private readonly RundownGate? _gate;

        internal Entry(RundownGate gate, int stripe)
        {
            _gate = gate;
            Stripe = stripe;
        }

        /// <summary>The processor's part of what is divided by processors, as it was when the operation entered.</summary>
        public int Stripe { get; }

        public void Dispose() => _gate?.Exit(Stripe);
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

    /// <summary>
    /// The current processor's part; by the time it is used the thread may have moved on, which costs speed and nothing else.
    /// </summary>
    public static int Current => Thread.GetCurrentProcessorId() & Count - 1;
}
