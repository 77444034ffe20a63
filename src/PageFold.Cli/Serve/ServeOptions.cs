using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PageFold.Shared;

namespace PageFold.Cli.Serve;

/// <summary>What <c>pagefold serve</c> was asked for, checked.</summary>
internal sealed record ServeOptions
{
    public required IReadOnlyList<ExportOptions> Exports { get; init; }

    /// <summary>For all disks together; null for the default.</summary>
    public long? MemoryLimit { get; init; }

    public required IReadOnlyList<EndPoint> EndPoints { get; init; }

    /// <summary>The socket for the commands that look at the server or have it do something; null for none.</summary>
    public string? Control { get; init; }

    public IPEndPoint? Metrics { get; init; }

    public string? TlsCertificates { get; init; }

    public bool TlsRequired { get; init; }

    public bool TlsVerifyPeer { get; init; }

    public required NamedCodec Codec { get; init; }

    /// <summary>Null where a snapshot says it, or else 4 KiB.</summary>
    public int? PageSize { get; init; }

    public long? CacheBytes { get; init; }

    public bool HugePages { get; init; }

    /// <summary>Takes the memory at the start and locks it.</summary>
    public bool LockMemory { get; init; }

    /// <summary>
    /// The disks' sizes as multiples of their memory limits, for disks that a kernel swaps to; null where sizes are given.
    /// </summary>
    public double? SwapRatio { get; init; }

    /// <summary>The writeback file; with several disks each has its own beside it, with the disk's name appended.</summary>
    public string? Writeback { get; init; }

    public long? WritebackBytes { get; init; }

    public long? WritebackDailyBudget { get; init; }

    public int MaxConnections { get; init; } = 128;

    /// <summary>The most bytes that all connections have in hand; null for the default.</summary>
    public long? ConnectionMemory { get; init; }

    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>How many writes of one connection are refused in a second for want of memory; null for no bound.</summary>
    public int? RefusalsPerSecond { get; init; }

    public required UpkeepOptions Upkeep { get; init; }

    /// <summary>True if clients are listened for on a Unix socket of that path.</summary>
    public bool ListensAt(string path) =>
        EndPoints.Any(endPoint => endPoint is UnixDomainSocketEndPoint && Path.GetFullPath(endPoint.ToString()!) == Path.GetFullPath(path));

    /// <summary>The writeback file of one of the disks; null for none.</summary>
    public string? WritebackOf(ExportOptions export) => Writeback is null || Exports.Count == 1 ? Writeback : $"{Writeback}.{export.Name}";
}

/// <summary>One disk.</summary>
internal sealed record ExportOptions(string Name)
{
    private const string Forms = "NAME, or NAME,size=BYTES,memory-limit=BYTES,restore=FILE,keep=FILE,read-only with any of these";

    public long? Size { get; init; }

    public long? MemoryLimit { get; init; }

    /// <summary>A snapshot to begin with.</summary>
    public string? Restore { get; init; }

    /// <summary>A snapshot to begin with, if it is there, and to leave at the end.</summary>
    public string? Keep { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>Reads what <c>--export</c> was given.</summary>
    public static ExportOptions Parse(string text)
    {
        string[] parts = text.Split(',');
        ExportOptions export = new(parts[0]);
        if (parts.Skip(1).Select(part => part.Split('=', 2)[0]).GroupBy(name => name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new UserErrorException($"--export {text} says {twice.Key} twice; say it once.");
        foreach (string part in parts.Skip(1))
        {
            string[] pair = part.Split('=', 2);
            string value = pair.Length == 2 ? pair[1] : string.Empty;
            export = pair[0] switch
            {
                "size" => export with { Size = Arguments.Bytes($"--export {parts[0]},size", value) },
                "memory-limit" => export with { MemoryLimit = Arguments.Bytes($"--export {parts[0]},memory-limit", value) },
                "restore" when !string.IsNullOrWhiteSpace(value) => export with { Restore = value },
                "keep" when !string.IsNullOrWhiteSpace(value) => export with { Keep = value },
                "read-only" when pair.Length == 1 => export with { ReadOnly = true },
                _ => throw new UserErrorException($"--export {text}: '{part}' is not known; write {Forms}."),
            };
        }
        return export;
    }
}

/// <summary>What the server does by itself now and then.</summary>
internal sealed record UpkeepOptions
{
    public static readonly TimeSpan DefaultIdle = TimeSpan.FromMinutes(10);

    /// <summary>The codec for recompressing idle and incompressible pages; null for no recompression.</summary>
    public NamedCodec? Recompress { get; init; }

    /// <summary>How long a page must not have been used for that; null for <see cref="DefaultIdle"/>.</summary>
    public TimeSpan? Idle { get; init; }

    /// <summary>How long a page must not have been used to be written back; null to write none back without being told.</summary>
    public TimeSpan? WritebackIdle { get; init; }
}

/// <summary>Values of the command's options that stand for addresses and times.</summary>
internal static class ServeArguments
{
    private static readonly (char Unit, double Seconds)[] Units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];

    public static EndPoint UnixSocket(string option, string path) => new UnixDomainSocketEndPoint(NewSocketPath(option, path));

    /// <summary>The path of a socket that is to be made, where nothing may be yet but a socket at which no process listens.</summary>
    public static string NewSocketPath(string option, string path)
    {
        string full = SocketPath(option, path);
        if (!Path.Exists(full))
            return full;
        // One that a killed server has left is taken over when it is listened at.
        if (UnixListener.IsStale(full))
            return full;
        throw new UserErrorException(
            Directory.Exists(full) ? $"{option} {path} exists already and is a folder; choose a name in it, or another."
            : $"{option} {path} exists already, and is no socket that a server has left behind; end the server that listens there, or "
                + "choose another.");
    }

    /// <summary>The path of a socket, short enough for the system.</summary>
    public static string SocketPath(string option, string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UserErrorException($"{option} needs a path; name one.");
        string full = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new UserErrorException($"{option} {path} lies in a folder that does not exist; make the folder, or choose another.");
        const int Most = 107;
        if (System.Text.Encoding.UTF8.GetByteCount(full) <= Most)
            return full;
        // Relative where the full path is too long. Only then is the working directory asked for: it may have been removed.
        string shorter = Path.GetRelativePath(Environment.CurrentDirectory, full);
        if (System.Text.Encoding.UTF8.GetByteCount(shorter) > Most)
            throw new UserErrorException(
                $"{option} {path} is longer than the {Most} bytes that a socket's path may have; choose a shorter one.");
        return shorter;
    }

    /// <summary>A time as people write it: 90s, 10m, 4h, 1d.</summary>
    public static TimeSpan Time(string option, string text)
    {
        const double Most = 1e9;
        string what = $"{option} {Arguments.Shown(text)}";
        double seconds = Units.FirstOrDefault(unit => text.EndsWith($"{unit.Unit}", StringComparison.OrdinalIgnoreCase)).Seconds;
        ReadOnlySpan<char> number = seconds == 0 ? text : text.AsSpan(0, text.Length - 1);
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
            throw new UserErrorException($"{what} is no time; write for example 90s, 10m, 4h or 1d.");
        if (value == 0)
            throw new UserErrorException($"{what} is too short; choose more than zero, as in 1s, 90s, 10m, 4h or 1d.");
        if (seconds == 0)
            throw new UserErrorException($"{what} has no unit; write {text}s, {text}m, {text}h or {text}d.");
        if (value * seconds >= Most)
            throw new UserErrorException($"{what} is too long; choose at most 10000d.");
        return TimeSpan.FromSeconds(value * seconds);
    }

    /// <summary>Writes a time as it is given: with the greatest unit of which it is a whole number.</summary>
    public static string Show(TimeSpan time)
    {
        (char unit, double seconds) = Units.LastOrDefault(unit => time.TotalSeconds % unit.Seconds == 0, Units[0]);
        return string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds / seconds:0.###}{unit}");
    }

    /// <summary>A rate, or off for none.</summary>
    public static int? Rate(string option, string text)
    {
        const int Most = 1_000_000;
        return text.Equals("off", StringComparison.OrdinalIgnoreCase) ? null
            : Arguments.Integer(option, text, 1, Most, $"1 to {Most}, or off");
    }

    /// <summary>A size as a multiple of the memory limit; null without the option, the default where it has no value.</summary>
    public static double? Ratio(string option, bool isGiven, string? text)
    {
        if (!isGiven)
            return null;
        if (text is null)
            return SwapSizing.DefaultRatio;
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double ratio)
            && ratio is >= 1 and <= SwapSizing.MaxRatio
            ? ratio
            : throw new UserErrorException(
                $"{option} {Arguments.Shown(text)} is no ratio; write a number from 1 to {SwapSizing.MaxRatio} as in {option} 2.5, or "
                + $"none for {SwapSizing.DefaultRatio}.");
    }
}
