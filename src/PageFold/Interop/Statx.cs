using System.Runtime.InteropServices;

namespace PageFold.Interop;

/// <summary>The kernel's struct statx, the same on every architecture, and the call that fills it. Linux only.</summary>
/// <remarks>
/// This file is also compiled into the disk's assembly, which cannot access internals of the core. The command uses it from there.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe partial struct Statx
{
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;
    public const uint STATX_TYPE = 0x1;
    public const uint STATX_OWNER = 0x18;
    public const uint STATX_INO = 0x100;
    public const uint STATX_BASIC_STATS = 0x7FF;

    // Values of the upper four bits of the mode.
    public const int RegularFile = 8;
    public const int SocketFile = 12;

    [FieldOffset(20)]
    public uint User;

    [FieldOffset(24)]
    public uint Group;

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(48)]
    public ulong Blocks;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;

    /// <summary>The number of the file system.</summary>
    public readonly ulong Device => (ulong)DeviceMajor << 32 | DeviceMinor;

    /// <summary>The kind of file.</summary>
    public readonly int Type => Mode >> 12;

    /// <summary>
    /// Reads the status of a path or of an open descriptor; false if that fails, as it always does with an old C library.
    /// </summary>
    public static bool TryRead(int folder, string path, int flags, uint mask, out Statx status)
    {
        status = default;
        try
        {
            fixed (Statx* target = &status)
                return statx(folder, path, flags, mask, target) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Reads the status of a path given as bytes that end with a zero.</summary>
    public static bool TryRead(int folder, byte* path, int flags, uint mask, out Statx status)
    {
        status = default;
        fixed (Statx* target = &status)
            return statx(folder, path, flags, mask, target) == 0;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, string path, int flags, uint mask, Statx* status);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, byte* path, int flags, uint mask, Statx* status);
}
