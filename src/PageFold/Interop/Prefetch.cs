using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace PageFold.Interop;

/// <summary>Prefetches memory into the cache.</summary>
/// <remarks>
/// A hint without effect on results, so any address is allowed. Does nothing where the runtime offers no such instruction.
/// </remarks>
internal static unsafe class Prefetch
{
    private const nuint Line = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void One(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>Prefetches all lines of a range, so that the cache misses overlap.</summary>
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
