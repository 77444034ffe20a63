using System.Runtime.CompilerServices;
using PageFold.Interleavings;

namespace PageFold;

/// <summary>A thread that spins can go on only when another has changed something, so spinning gives its turn away until then.</summary>
internal struct SpinWait
{
    public int Count { get; private set; }

    public void SpinOnce(int sleep1Threshold = 0, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Count += sleep1Threshold == 0 ? 1 : 2;
        Scheduler.Spin(file, line);
    }
}

/// <summary>Sleeping is spinning, and some of the scheduler's own time passes.</summary>
internal static class Thread
{
    public static void Sleep(int milliseconds, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.PassTime(milliseconds);
        Scheduler.Spin(file, line);
    }

    /// <summary>Each thread has a processor to itself, so that what is striped by processor is striped.</summary>
    public static int GetCurrentProcessorId() => Scheduler.CurrentNumber;
}

/// <summary>Time is the scheduler's, and there are as many processors as threads in a scenario.</summary>
internal static class Environment
{
    public static long TickCount64 => Scheduler.Time;

    public static int ProcessorCount => 4;

    public static int SystemPageSize => System.Environment.SystemPageSize;

    public static bool Is64BitProcess => System.Environment.Is64BitProcess;

    public static int CurrentManagedThreadId => System.Environment.CurrentManagedThreadId;

    public static int ProcessId => System.Environment.ProcessId;
}

/// <summary>Never rings: what works in the background would work on a thread that the scheduler does not know.</summary>
internal sealed class Timer(TimerCallback callback, object? state, int dueTime, int period) : IDisposable
{
    private readonly object?[] _unused = [callback, state, dueTime, period];

    public bool Change(int dueTime, int period) => _unused.Length > 0 && dueTime >= period;

    public void Dispose()
    {
        // Nothing rings.
    }
}

/// <summary>A lock by the scheduler's monitor, which the statement <c>lock</c> uses too.</summary>
#pragma warning disable CA2002 // the scheduler's monitor, which knows objects by reference
internal sealed class Lock
{
    public bool IsHeldByCurrentThread => Scheduler.Holds(this);

    public void Enter()
    {
        bool taken = false;
        System.Threading.Monitor.Enter(this, ref taken);
    }

    public bool TryEnter(int milliseconds = 0) => Scheduler.TryEnter(this, milliseconds);

    public void Exit() => System.Threading.Monitor.Exit(this);
}
