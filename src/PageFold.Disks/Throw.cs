using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace PageFold.Disks;

/// <summary>Every exception of the disk, named by its cause; a message names the option or argument, its value and the remedy.</summary>
[StackTraceHidden]
internal static class Throw
{
    private static readonly OptionName Length = new(nameof(RamDiskOptions.Length));
    private static readonly OptionName CacheBytes = new(nameof(RamDiskOptions.CacheBytes));
    private static readonly OptionName ReserveForSnapshot = new(nameof(RamDiskOptions.ReserveForSnapshot));
    private static readonly OptionName PageSize = new(nameof(PageStoreOptions.PageSize));
    private static readonly OptionName MemoryLimit = new(nameof(PageStoreOptions.MemoryLimit));

    public static void IfLengthInvalid(long length, int pageSize)
    {
        if (length <= 0 || length % RamDisk.SectorSize != 0)
        {
            throw OutOfRange(
                Length, length, $"{Length} is {Bytes(length)}; choose a positive multiple of {RamDisk.SectorSize} bytes.");
        }
        if ((length - 1) / pageSize > PageStore.MaxPage)
        {
            throw OutOfRange(
                Length,
                length,
                $"{Length} is {Bytes(length)}, more than 2^32 pages of {pageSize} bytes; choose a smaller disk or larger pages.");
        }
    }

    public static void IfPageSizeInvalid(int size)
    {
        if (size is < PageStore.MinPageSize or > PageStore.MaxPageSize || !BitOperations.IsPow2(size))
        {
            throw OutOfRange(PageSize, size, $"{PageSize} is {size}; choose 4096, 8192, 16384, 32768 or 65536 bytes.");
        }
    }

    public static void IfCacheInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes >= limit)
        {
            throw OutOfRange(
                CacheBytes, bytes, $"{CacheBytes} is {Bytes(bytes)}; choose zero to less than {MemoryLimit} ({Bytes(limit)}).");
        }
    }

    public static void IfReserveTooLarge(long reserve, long? limit)
    {
        if (reserve > 0 && reserve >= limit - limit / 4)
        {
            throw OutOfRange(
                MemoryLimit,
                limit,
                $"{MemoryLimit} is {Bytes(limit!.Value)}, of which {ReserveForSnapshot} sets {Bytes(reserve)} aside; choose at least "
                    + $"{Bytes(2 * reserve)}, or do without.");
        }
    }

    /// <param name="offset">The first byte.</param>
    /// <param name="count">Number of bytes.</param>
    /// <param name="length">Length of the disk.</param>
    /// <param name="counted">The argument that the number of bytes comes from.</param>
    public static void IfRangeOutsideDisk(long offset, long count, long length, string counted)
    {
        if (offset < 0 || count < 0 || count > length - offset)
            OutsideDisk(offset, count, length, counted);
    }

    public static void IfRangeEmptyOrOutsideDisk(long offset, long count, long length)
    {
        if (count <= 0)
            EmptyRange(count);
        IfRangeOutsideDisk(offset, count, length, nameof(count));
    }

    public static ArgumentException NoStore() =>
        new("Store is null; give the options of the disk's store.", nameof(RamDiskOptions.Store));

    public static ArgumentException SnapshotLarger(string path, long snapshot, long disk) =>
        new($"'{path}' is of a disk of {Bytes(snapshot)}, and this one has {Bytes(disk)}; make a disk at least as large.");

    public static ArgumentException SnapshotBeyond(string path, long page, long disk) =>
        new($"'{path}' holds page {page.ToString("N0", CultureInfo.InvariantCulture)}, which is beyond this disk of {Bytes(disk)}; it is a "
            + "store's, or damaged. Make a larger disk.");

    public static MemoryLimitException CacheCannotBeStored(long limit) =>
        OptionMessage.Create(
            text => new MemoryLimitException(text),
            $"A page in the disk's cache waits for memory within {MemoryLimit} ({Bytes(limit)}); trim something, or recompress with a "
                + $"denser codec and compact, then try again.");

    [DoesNotReturn]
    private static void OutsideDisk(long offset, long count, long length, string counted)
    {
        if (count < 0)
        {
            throw new ArgumentOutOfRangeException(
                counted, count, $"{counted} is {count.ToString(CultureInfo.InvariantCulture)}; choose zero or more.");
        }
        string message =
            $"{Bytes(count)} from {offset.ToString("N0", CultureInfo.InvariantCulture)} on are not within the disk's {Bytes(length)}.";
        throw offset < 0 || offset > length
            ? new ArgumentOutOfRangeException(nameof(offset), offset, message)
            : new ArgumentOutOfRangeException(counted, count, message);
    }

    [DoesNotReturn]
    private static void EmptyRange(long count) => throw new ArgumentOutOfRangeException(
        nameof(count), count, $"count is {count.ToString(CultureInfo.InvariantCulture)}; choose at least one byte.");

    private static ArgumentOutOfRangeException OutOfRange(OptionName option, object? value, OptionMessage message) =>
        OptionMessage.Create(text => new ArgumentOutOfRangeException(option.Property, value, text), message);

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";
}
