using System.Runtime.CompilerServices;
using PageFold.Interleavings;
using Real = System.Threading.Interlocked;

namespace PageFold;

/// <summary>
/// What the library's sources call here in place of the runtime's class of this name, which a namespace further out offers: a point before
/// each operation, and then the operation itself.
/// </summary>
internal static class Interlocked
{
    public static int Increment(ref int location, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Increment", file, line);
        return Real.Increment(ref location);
    }

    public static long Increment(ref long location, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Increment", file, line);
        return Real.Increment(ref location);
    }

    public static int Decrement(ref int location, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Decrement", file, line);
        return Real.Decrement(ref location);
    }

    public static long Decrement(ref long location, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Decrement", file, line);
        return Real.Decrement(ref location);
    }

    public static int Add(ref int location, int value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Add", file, line);
        return Real.Add(ref location, value);
    }

    public static long Add(ref long location, long value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Add", file, line);
        return Real.Add(ref location, value);
    }

    public static ulong Add(ref ulong location, ulong value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Add", file, line);
        return Real.Add(ref location, value);
    }

    public static int Or(ref int location, int value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Or", file, line);
        return Real.Or(ref location, value);
    }

    public static uint Or(ref uint location, uint value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Or", file, line);
        return Real.Or(ref location, value);
    }

    public static long Or(ref long location, long value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Or", file, line);
        return Real.Or(ref location, value);
    }

    public static ulong Or(ref ulong location, ulong value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Or", file, line);
        return Real.Or(ref location, value);
    }

    public static int And(ref int location, int value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("And", file, line);
        return Real.And(ref location, value);
    }

    public static uint And(ref uint location, uint value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("And", file, line);
        return Real.And(ref location, value);
    }

    public static long And(ref long location, long value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("And", file, line);
        return Real.And(ref location, value);
    }

    public static ulong And(ref ulong location, ulong value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("And", file, line);
        return Real.And(ref location, value);
    }

    public static T Exchange<T>(ref T location, T value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("Exchange", file, line);
        return Real.Exchange(ref location, value);
    }

    public static T CompareExchange<T>(
        ref T location, T value, T comparand, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        Scheduler.BeforeWrite("CompareExchange", file, line);
        return Real.CompareExchange(ref location, value, comparand);
    }

    public static void MemoryBarrier() => Real.MemoryBarrier();
}
