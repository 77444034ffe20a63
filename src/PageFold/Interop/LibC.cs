using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Interop;

/// <summary>
/// The few system calls that the portable surface of .NET does not offer: reserving address space, committing and giving back single
/// page frames, asking which of them are resident, files that live in memory, and holes in files. Linux numbers, 64-bit only; callers stay behind
/// <see cref="OperatingSystem.IsLinux"/>.
/// </summary>
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

    /// <summary>
    /// Locks memory. Not every C library has it, so it is called by its number; negative on architectures whose number is not known here.
    /// </summary>
    public static int mlock2(nint address, nuint length, uint flags) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (int)syscall(325, address, (nint)length, (nint)flags, 0, 0),
        Architecture.Arm64 => (int)syscall(284, address, (nint)length, (nint)flags, 0, 0),
        _ => -1,
    };

    /// <summary>
    /// The same advice for many ranges of this process in one call. The C library may be too old to have it, so it is called by its number, which is the same on every architecture.
    /// </summary>
    /// <returns>Bytes of the ranges, from the first on, that were advised; negative if none was.</returns>
    public static nint process_madvise(int pidfd, IoVector* ranges, nuint count, int advice) =>
        syscall(440, pidfd, (nint)ranges, (nint)count, advice, 0);

    /// <summary>A descriptor that names a process; negative where the kernel has none.</summary>
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

    /// <summary>A range of addresses, as the system's vector calls take it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nint Address;
        public nuint Length;
    }

    /// <summary>Fills memory with random bytes of the kernel's; false where it gives none.</summary>
    public static bool TryFillRandom(Span<byte> bytes)
    {
        fixed (byte* first = bytes)
            return getrandom(first, (nuint)bytes.Length, 0) == bytes.Length;
    }

    /// <summary>Up to 256 bytes come whole.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint getrandom(byte* buffer, nuint count, uint flags);
}
