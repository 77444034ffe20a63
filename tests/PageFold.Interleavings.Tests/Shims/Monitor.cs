using PageFold.Interleavings;

namespace System.Threading;

/// <summary>
/// The compiler takes this class, and not the runtime's, for the statement <c>lock</c>, because it is found first. Threads that the
/// scheduler does not know, which set up a scenario and check it, take the runtime's locks.
/// </summary>
internal static class Monitor
{
    public static void Enter(object lockObject, ref bool taken)
    {
        Scheduler.Enter(lockObject);
        taken = true;
    }

    public static void Exit(object lockObject) => Scheduler.Exit(lockObject);

    public static bool Wait(object lockObject, TimeSpan timeout) =>
        Scheduler.Wait(lockObject, isTimed: timeout != Timeout.InfiniteTimeSpan);

    public static bool Wait(object lockObject, int milliseconds = Timeout.Infinite) =>
        Scheduler.Wait(lockObject, isTimed: milliseconds != Timeout.Infinite);

    public static void PulseAll(object lockObject) => Scheduler.PulseAll(lockObject);
}
