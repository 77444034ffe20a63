using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Nbd;

/// <summary>Every exception of the disk and its server, each named by its cause; a message names the option or argument, its value and the remedy.</summary>
[StackTraceHidden]
internal static class Throw
{
    public static void IfLengthInvalid(long length, int pageSize)
    {
        if (length <= 0 || length % RamDisk.SectorSize != 0)
            throw new ArgumentOutOfRangeException("Length", length, $"Length is {Bytes(length)}; choose a positive multiple of {RamDisk.SectorSize} bytes.");
        if ((length - 1) / pageSize > PageStore.MaxPage)
            throw new ArgumentOutOfRangeException("Length", length, $"Length is {Bytes(length)}, more than 2^32 pages of {pageSize} bytes; choose a smaller disk or larger pages.");
    }

    public static void IfPageSizeInvalid(int size)
    {
        if (size is < PageStore.MinPageSize or > PageStore.MaxPageSize || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException("PageSize", size, $"PageSize is {size}; choose 4096, 8192, 16384, 32768 or 65536 bytes.");
    }

    public static void IfNegative(TimeSpan time, string argument)
    {
        if (time < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(argument, time, $"{argument} is {time}; choose zero or more.");
    }

    public static void IfUnknown(RequestKind kind)
    {
        if (!Enum.IsDefined(kind))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, $"Kind {kind} does not exist; choose one of RequestKind.");
    }

    public static void IfCacheInvalid(long? bytes, long? limit)
    {
        if (bytes < 0 || bytes >= limit)
            throw new ArgumentOutOfRangeException("CacheBytes", bytes, $"CacheBytes is {Bytes(bytes!.Value)}; choose zero to less than MemoryLimit{(limit is null ? string.Empty : $" ({Bytes(limit.Value)})")}.");
    }

    public static void IfReserveTooLarge(long reserve, long? limit)
    {
        if (reserve > 0 && reserve >= limit - limit / 4)
            throw new ArgumentOutOfRangeException("MemoryLimit", limit, $"MemoryLimit is {Bytes(limit!.Value)}, of which ReserveForSnapshot sets {Bytes(reserve)} aside; choose at least {Bytes(2 * reserve)}, or do without.");
    }

    public static void IfRangeOutsideDisk(long offset, long count, long length)
    {
        if (offset < 0 || count < 0 || count > length - offset)
            OutsideDisk(offset, count, length);
    }

    public static void IfNotPositive(TimeSpan? time, string option)
    {
        if (time <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(option, time, $"{option} is {time}; choose a positive time, or null for no limit.");
    }

    public static void IfBelow(long value, long least, string option)
    {
        if (value < least)
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value.ToString(CultureInfo.InvariantCulture)}; choose at least {least.ToString(CultureInfo.InvariantCulture)}.");
    }

    public static void IfTooLittle(long? connectionMemory, int maxConnections)
    {
        long least = NbdServerOptions.LeastConnectionMemory(maxConnections);
        if (connectionMemory < least)
        {
            throw new ArgumentOutOfRangeException(
                "ConnectionMemory",
                connectionMemory,
                $"ConnectionMemory is {Bytes(connectionMemory!.Value)}, too little for MaxConnections, "
                    + $"{maxConnections.ToString(CultureInfo.InvariantCulture)}: choose at least {Bytes(least)}, or fewer connections.");
        }
    }

    public static ArgumentException ExportNamedTwice(string name) =>
        new($"Two exports are named '{PrintableText.Of(name)}'; give each a name of its own.", "Exports");

    public static ArgumentException ExportNameTooLong(string name, int most) =>
        new($"The export name '{PrintableText.Of(name[..32])}…' has more than {most} bytes; choose a shorter one.", "Exports");

    public static ArgumentException SnapshotLarger(string path, long snapshot, long disk) =>
        new($"'{path}' is of a disk of {Bytes(snapshot)}, and this one has {Bytes(disk)}; make a disk at least as large.");

    public static MemoryLimitException CacheCannotBeStored(long limit) =>
        new($"A page in the disk's cache waits for memory within MemoryLimit ({Bytes(limit)}); trim something, or recompress with a denser codec and compact, then try again.");

    public static InsufficientMemoryException SystemHasNoMemory() =>
        new("The system has no memory for a connection; lower the memory limit, allow fewer connections, or give the machine more.");

    public static ArgumentException CertificateUnusable(string path, Exception cause) =>
        new($"'{path}' cannot be used ({cause.Message.ReplaceLineEndings(" ").TrimEnd('.')}); a folder of certificates has server-cert.pem and server-key.pem, and ca-cert.pem to verify clients with.", cause);

    public static ArgumentException NothingToServe(string option) => new($"{option} is empty; name at least one.", option);

    [DoesNotReturn]
    private static void OutsideDisk(long offset, long count, long length) =>
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{Bytes(count)} from {offset.ToString(CultureInfo.InvariantCulture)} on are not within the disk's {Bytes(length)}.");

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";
}
