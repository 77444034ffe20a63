using System.Runtime.InteropServices;
using PageFold.Interop;

namespace PageFold.Frames;

/// <summary>Zeroed memory that becomes resident page by page when it is touched.</summary>
/// <remarks>
/// For records over a large address space of which little is used, and for what is large and held for a short while. Zeroed memory of the
/// C library behaves like that only if it is new from the system: memory that was used before is cleared, and so touched, at once.
/// </remarks>
internal static unsafe class UntouchedMemory
{
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    public static void* Allocate(nuint bytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            return NativeMemory.AllocZeroed(bytes);
        const int Flags = LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE;
        nint address = LibC.mmap(0, bytes, LibC.PROT_READ | LibC.PROT_WRITE, Flags, -1, 0);
        if (address == LibC.MapFailed)
            FrameThrow.ReservationFailed((long)bytes, Marshal.GetLastPInvokeErrorMessage());
        return (void*)address;
    }

    public static void Free(void* memory, nuint bytes)
    {
        if (memory is null)
            return;
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            NativeMemory.Free(memory);
        else
            _ = LibC.munmap((nint)memory, bytes);
    }
}
