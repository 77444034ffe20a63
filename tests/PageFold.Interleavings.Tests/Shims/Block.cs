using System.Runtime.CompilerServices;
using PageFold.Interleavings;

namespace PageFold.Interop;

/// <summary>Copies and clears as the library's own class does, in two halves with a point between: half a copy can be seen.</summary>
internal static unsafe class Block
{
    public static void Copy(byte* destination, byte* source, int length)
    {
        int half = length / 2;
        Unsafe.CopyBlockUnaligned(destination, source, (uint)half);
        Scheduler.BeforeWrite("Copy", "Block.cs", 0);
        Unsafe.CopyBlockUnaligned(destination + half, source + half, (uint)(length - half));
    }

    public static void Clear(byte* destination, int length)
    {
        int half = length / 2;
        Unsafe.InitBlockUnaligned(destination, 0, (uint)half);
        Scheduler.BeforeWrite("Clear", "Block.cs", 0);
        Unsafe.InitBlockUnaligned(destination + half, 0, (uint)(length - half));
    }
}
