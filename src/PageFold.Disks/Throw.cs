using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Disks;

/// <summary>Every exception of the disk, named by its cause; a message names the option or argument, its value and the remedy.</summary>
[StackTraceHidden]
internal static class Throw
{
    public static void IfLengthInvalid(long length, int pageSize)
    {
        if (length <= 0 || length % RamDisk.SectorSize != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(RamDiskOptions.Length),
                length,
                $"Length is {Bytes(length)}; choose a positive multiple of {RamDisk.SectorSize} bytes.");
        }
        if ((length - 1) / pageSize > PageStore.MaxPage)
        {
            throw new ArgumentOutOfRangeException(
                nameof(RamDiskOptions.Length),
                length,
                $"Length is {Bytes(length)}, more than 2^32 pages of {pageSize} bytes; choose a smaller disk or larger pages.");
        }
    }

    public static void IfPageSizeInvalid(int size)
    {
        if (size is < FrameArena.MinFrameSize or > FrameArena.MaxFrameSize || !BitOperations.IsPow2(size))
        {
            throw new ArgumentOutOfRangeException(
                nameof(PageStoreOptions.PageSize), size, $"PageSize is {size}; choose 4096, 8192, 16384, 32768 or 65536 bytes.");
        }
    }

    public static void IfCacheInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes >= limit)
        {
            throw new ArgumentOutOfRangeException(
                nameof(RamDiskOptions.CacheBytes),
                bytes,
                $"CacheBytes is {Bytes(bytes)}; choose zero to less than MemoryLimit ({Bytes(limit)}).");
        }
    }

    public static void IfReserveTooLarge(long reserve, long? limit)
    {
        if (reserve > 0 && reserve >= limit - limit / 4)
        {
            throw new ArgumentOutOfRangeException(
                nameof(PageStoreOptions.MemoryLimit),
                limit,
                $"MemoryLimit is {Bytes(limit!.Value)}, of which ReserveForSnapshot sets {Bytes(reserve)} aside; choose at least "
                    + $"{Bytes(2 * reserve)}, or do without.");
        }
    }

    public static void IfRangeOutsideDisk(long offset, long count, long length)
    {
        if (offset < 0 || count < 0 || count > length - offset)
            OutsideDisk(offset, count, length);
    }

    public static void IfRangeEmptyOrOutsideDisk(long offset, long count, long length)
    {
        if (count <= 0)
            EmptyRange(count);
        IfRangeOutsideDisk(offset, count, length);
    }

    public static ArgumentException SnapshotLarger(string path, long snapshot, long disk) =>
        new($"'{path}' is of a disk of {Bytes(snapshot)}, and this one has {Bytes(disk)}; make a disk at least as large.");

    public static MemoryLimitException CacheCannotBeStored(long limit) =>
        new($"A page in the disk's cache waits for memory within MemoryLimit ({Bytes(limit)}); trim something, or recompress with a denser "
            + "codec and compact, then try again.");

    [DoesNotReturn]
    private static void OutsideDisk(long offset, long count, long length) => throw new ArgumentOutOfRangeException(
        nameof(offset),
        offset,
        $"{Bytes(count)} from {offset.ToString(CultureInfo.InvariantCulture)} on are not within the disk's {Bytes(length)}.");

    [DoesNotReturn]
    private static void EmptyRange(long count) => throw new ArgumentOutOfRangeException(
        nameof(count), count, $"count is {count.ToString(CultureInfo.InvariantCulture)}; choose at least one byte.");

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";
}
