using System.Runtime.CompilerServices;
using PageFold.Interleavings;

namespace PageFold;

/// <inheritdoc cref="Interlocked"/>
internal static class Volatile
{
    public static T Read<T>(ref readonly T location, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeRead("Read", file, line);
        T value = Unsafe.AsRef(in location);
        // What is read afterwards is at least as new, as with the real one.
        System.Threading.Interlocked.MemoryBarrier();
        return value;
    }

    public static void Write(ref ushort location, ushort value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Write<ushort>(ref location, value, file, line);

    public static void Write<T>(ref T location, T value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Write", file, line);
        System.Threading.Interlocked.MemoryBarrier();
        location = value;
    }
}
