using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Interop;

/// <summary>The few system calls that the portable surface of .NET does not offer.</summary>
/// <remarks>
/// They reserve address space, commit single page frames and give them back, ask which frames are resident, make files in memory, and punch
/// holes in files. The numbers are those of 64-bit Linux; callers check <see cref="OperatingSystem.IsLinux"/>.
/// </remarks>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LibC
{
    public const int PROT_NONE = 0;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 0x01;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_FIXED = 0x10;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_NORESERVE = 0x4000;
    public const int MAP_POPULATE = 0x8000;
    public const int MADV_DONTNEED = 4;
    public const int MADV_FREE = 8;
    public const int MADV_REMOVE = 9;
    public const int MADV_HUGEPAGE = 14;
    public const int MADV_NOHUGEPAGE = 15;
    public const int MADV_DONTDUMP = 16;
    public const int MADV_POPULATE_WRITE = 23;
    public const int MADV_DONTNEED_LOCKED = 24;
    public const int MADV_COLLAPSE = 25;
    public const uint MFD_CLOEXEC = 1;
    public const uint MLOCK_ONFAULT = 1;
    public const int EPERM = 1;
    public const int EINTR = 4;
    public const int ENOSYS = 38;
    public const int EOPNOTSUPP = 95;
    public const int EINVAL = 22;
    public const int SEEK_END = 2;
    public const int FALLOC_FL_KEEP_SIZE = 0x01;
    public const int FALLOC_FL_PUNCH_HOLE = 0x02;

    public static readonly nint MapFailed = -1;

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int madvise(nint address, nuint length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int munlock(nint address, nuint length);

    /// <summary>Locks memory; negative on architectures whose system call number is not known here.</summary>
    /// <remarks>Called by number, because not every C library has the function.</remarks>
    public static int mlock2(nint address, nuint length, uint flags) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (int)syscall(325, address, (nint)length, (nint)flags, 0, 0),
        Architecture.Arm64 => (int)syscall(284, address, (nint)length, (nint)flags, 0, 0),
        _ => -1,
    };

    /// <summary>Gives the same advice for many ranges of this process in one call.</summary>
    /// <remarks>
    /// Called by number, which is the same on every architecture, because the C library may be too old to have the function.
    /// </remarks>
    /// <returns>Bytes of the first ranges that were advised; negative if none was.</returns>
    public static nint process_madvise(int pidfd, IoVector* ranges, nuint count, int advice) =>
        syscall(440, pidfd, (nint)ranges, (nint)count, advice, 0);

    /// <summary>Opens a descriptor that names a process; negative where the kernel has no such call.</summary>
    public static int pidfd_open(int pid) => (int)syscall(434, pid, 0, 0, 0, 0);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int mincore(nint address, nuint length, byte* residency);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int ftruncate(int descriptor, long length);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int fallocate(SafeFileHandle descriptor, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial long lseek(SafeFileHandle descriptor, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int close(int descriptor);

    /// <summary>A range of addresses, in the layout of the system's vector calls.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nint Address;
        public nuint Length;
    }

    /// <summary>Fills memory with random bytes of the kernel; false if it provides none.</summary>
    public static bool TryFillRandom(Span<byte> bytes)
    {
        fixed (byte* first = bytes)
            return getrandom(first, (nuint)bytes.Length, 0) == bytes.Length;
    }

    /// <summary>Requests of up to 256 bytes are filled completely.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint getrandom(byte* buffer, nuint count, uint flags);
}
