using System.Diagnostics;
using System.Globalization;
using PageFold.Shared;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Nbd;

/// <summary>Every exception of the server, named by its cause; a message names the option or argument, its value and the remedy.</summary>
[StackTraceHidden]
internal static class Throw
{
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

    public static void IfNotPositive(TimeSpan? time, string option)
    {
        if (time <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(option, time, $"{option} is {time}; choose a positive time, or null for no limit.");
    }

    public static void IfBelow(long value, long least, string option)
    {
        if (value < least)
            throw new ArgumentOutOfRangeException(
                option, value, $"{option} is {value.ToString(CultureInfo.InvariantCulture)}; choose at least "
                + $"{least.ToString(CultureInfo.InvariantCulture)}.");
    }

    public static void IfTooLittle(long? connectionMemory, int maxConnections)
    {
        long least = NbdServerOptions.MinConnectionMemory(maxConnections);
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

    public static InsufficientMemoryException SystemHasNoMemory() =>
        new("The system has no memory for a connection; lower the memory limit, allow fewer connections, or give the machine more.");

    public static ArgumentException CertificateUnusable(string path, Exception cause) =>
        new($"'{path}' cannot be used ({cause.Message.ReplaceLineEndings(" ").TrimEnd('.')}); a folder of certificates has "
            + $"server-cert.pem and server-key.pem, and ca-cert.pem to verify clients with.", cause);

    public static void IfNothing<T>(IReadOnlyList<T?>? list, string option)
        where T : class
    {
        if (list is null || list.Count == 0)
            throw new ArgumentException($"{option} is {(list is null ? "null" : "empty")}; name at least one.", option);
        if (list.Contains(null))
            throw new ArgumentException($"{option} has a null at {list.ToList().IndexOf(null)}; leave it out.", option);
    }

    public static void IfIncomplete(NbdExport export)
    {
        if (export.Name is null)
            throw new ArgumentException("Name is null; choose a name, or \"\" for the default export.", nameof(export.Name));
        if (export.Disk is null)
            throw new ArgumentException("Disk is null; give the disk to serve.", nameof(export.Disk));
    }

    public static void IfStarted(bool isStarted)
    {
        if (isStarted)
            throw new InvalidOperationException("The server was started already; make another for other end points.");
    }

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";
}
