using System.Runtime.InteropServices;
using PageFold.Interop;

namespace PageFold.Frames;

/// <summary>
/// Zeroed memory that is there, page by page, only once it is touched: for records over much address space of which little is used. The C library's zeroed memory is like that only where it
/// happens to come fresh from the system; what it has used before it clears, and so touches, at once.
/// </summary>
internal static unsafe class UntouchedMemory
{
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    public static void* Allocate(nuint bytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            return NativeMemory.AllocZeroed(bytes);
        nint address = LibC.mmap(0, bytes, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
        if (address == LibC.MapFailed)
            Throw.ReservationFailed((long)bytes, Marshal.GetLastPInvokeErrorMessage());
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
