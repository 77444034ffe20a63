using System.Runtime.CompilerServices;

namespace PageFold.Frames;

/// <summary>
/// A lock of four bytes that lies among the fields it guards, so that taking it brings in their cache line and not another. For short sections, in which once in a while a frame is committed: who waits spins, yields
/// and in the end sleeps. Not reentrant; a field, never copied.
/// </summary>
internal struct Latch
{
    private int _held;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _held, 1, 0) != 0)
            Wait();
    }

    /// <summary>What was written before is visible to whoever enters next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => Volatile.Write(ref _held, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait()
    {
        SpinWait spin = default;
        do
            spin.SpinOnce();
        while (Volatile.Read(ref _held) != 0 || Interlocked.CompareExchange(ref _held, 1, 0) != 0);
    }
}
