using System.Runtime.InteropServices;

namespace PageFold.Interop;

/// <summary>The kernel's struct statx, the same on every architecture, and the call that fills it. Linux.</summary>
/// <remarks>This file is compiled into the disk's assembly too, which knows nothing of the core's inner parts; the command uses it from there.</remarks>
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

    // Of the upper four bits of the mode.
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

    /// <summary>The file system's number.</summary>
    public readonly ulong Device => (ulong)DeviceMajor << 32 | DeviceMinor;

    /// <summary>What kind of file it is.</summary>
    public readonly int Type => Mode >> 12;

    /// <summary>What lies under a name, or what a descriptor is open on; false if that cannot be told, by an old C library never.</summary>
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

    /// <summary>The same for a name of bytes with a zero behind.</summary>
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
