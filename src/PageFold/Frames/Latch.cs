using System.Runtime.CompilerServices;

namespace PageFold.Frames;

/// <summary>A lock of four bytes among the fields that it guards, so that taking it loads their cache line and no other.</summary>
/// <remarks>
/// For short critical sections, which rarely contain the commit of a frame. A waiting thread spins, yields and finally sleeps. Not
/// reentrant. A field, never copied.
/// </remarks>
internal struct Latch
{
    private int _held;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _held, 1, 0) != 0)
            Wait();
    }

    /// <summary>Releases the lock; the next thread that enters sees everything written before.</summary>
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
