using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace PageFold.Interop;

/// <summary>
/// Asks for memory ahead of its use. A hint without effect on what a program does, so any address may be named; nothing where the runtime offers no such instruction.
/// </summary>
internal static unsafe class Prefetch
{
    private const nuint Line = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void One(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>Asks for all lines of a stretch at once, so that the misses overlap instead of coming one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void All(byte* first, int length)
    {
        if (!Sse.IsSupported)
            return;
        byte* end = first + length;
        for (byte* line = (byte*)((nuint)first & ~(Line - 1)); line < end; line += Line)
            Sse.Prefetch0(line);
    }
}
