using System.CommandLine;
using System.Net;

namespace PageFold.Cli.Serve;

/// <summary><c>pagefold serve</c>: disks whose blocks live compressed in memory, for any NBD client.</summary>
internal static class ServeCommand
{
    private const string ControlSuffix = ".control";

    // How pages are compressed where no codec is named.
    private const string DefaultCodec = CodecNames.Auto;

    /// <summary>Where the control socket is that belongs to a disk's socket, unless it is told.</summary>
    public static string ControlOf(string socket) => socket + ControlSuffix;

    public static Command Create()
    {
        Option<string?> size = Text("--size", "BYTES",
            "Bytes of the disk as clients see it, as in 8GiB. Needed unless a snapshot says it.");
        Option<string?> limit = Text(
            "--memory-limit", "BYTES",
            "The most memory to hold, for all disks together. Default: half of the container's or the machine's.");
        Option<string[]> unix = new("--unix")
        {
            Description = "Listen on a Unix socket that only you may open; may be given several times. One that a killed server has "
                + "left is taken over.",
            HelpName = "PATH",
        };
        Option<string[]> listen = new("--listen")
        {
            Description = "Listen on a TCP address, as in 127.0.0.1:10809, [::1]:10809 or localhost:10809; may be given several times. "
                + "Every client that reaches it may read and write, unless --tls-verify-peer.",
            HelpName = "ADDRESS:PORT",
        };
        Option<string[]> export = new("--export")
        {
            Description = "Name of a disk; several make several. "
                + "With a comma behind: size=BYTES, memory-limit=BYTES, restore=FILE, keep=FILE, read-only.",
            HelpName = "NAME[,...]",
        };
        Option<string> codec = new("--codec")
        {
            Description = $"How pages are compressed: {CodecNames.AllAndAuto}. {CodecNames.Auto} is {CodecNames.Fold}, and --recompress "
                + $"{CodecNames.FoldDense} where none is named.",
            DefaultValueFactory = _ => DefaultCodec,
            HelpName = "NAME[:LEVEL]",
        };
        Option<string?> pageSize = Text(
            "--page-size", "BYTES",
            "Bytes compressed together: 4KiB (default) to 64KiB. Larger ones are denser, and slower for requests of 4 KiB.");
        Option<string?> cache = Text("--cache", "BYTES", "Pages larger than 4 KiB kept decompressed; 0 for none. Default 4MiB.");
        Option<string?> tls = Text(
            "--tls-certificates", "DIR", "Folder with server-cert.pem and server-key.pem: only encrypted connections are served.");
        Option<bool> tlsOptional = new("--tls-optional") { Description = "Serve clients that do not encrypt too." };
        Option<bool> tlsVerify = new("--tls-verify-peer")
        {
            Description = "Only clients with a certificate signed by ca-cert.pem in the same folder; not with --tls-optional.",
        };
        Option<string?> recompress = Text(
            "--recompress", "NAME[:LEVEL]",
            $"Compress pages that were idle for a while once more in the background, as in {CodecNames.FoldDense} or zstd:9.");
        Option<string?> idle = Text(
            "--idle", "TIME", "How long a page must not have been used for that, as in 90s, 10m, 4h or 1d. Default 10m.");
        Option<string?> writeback = Text(
            "--writeback",
            "FILE",
            "File or block device for pages that are to leave memory; worthless after the command ends. Its pages are read from there.");
        Option<string?> writebackSize = Text("--writeback-size", "BYTES", "The most bytes of that file.");
        Option<string?> writebackDaily = Text(
            "--writeback-daily", "BYTES", "The most bytes to write to it in a day, to spare a device that wears.");
        Option<string?> writebackIdle = Text(
            "--writeback-idle", "TIME", "Write back pages that were not used for so long, in the background.");
        Option<string?> restore = Text("--restore", "FILE", "Begin with the content of a snapshot.");
        Option<string?> keep = Text(
            "--keep",
            "FILE",
            "Begin with the content of a snapshot if it is there, and leave one at the end (SIGTERM or Ctrl-C). "
                + "Two megabytes of the memory limit, and as much as the cache has, are kept aside for that.");
        Option<bool> readOnly = new("--read-only") { Description = "Refuse all writes." };
        Option<string?> control = Text(
            "--control", "PATH",
            $"Socket for pagefold stat, top, snapshot and the like. Default: the path of --unix with {ControlSuffix} behind.");
        Option<string?> metrics = Text(
            "--metrics", "ADDRESS:PORT", "Serve metrics for Prometheus at http://ADDRESS:PORT/metrics; one address of IPv4.");
        Option<string> connections = new("--max-connections")
        {
            Description = "The most clients at once.",
            DefaultValueFactory = _ => "128",
            HelpName = "N",
        };
        Option<string?> connectionMemory = Text(
            "--connection-memory",
            "BYTES",
            "The most memory that all connections have in hand, beside --memory-limit. "
                + "Default: 396 KiB for each of --max-connections, and 32 MiB.");
        Option<string?> idleTimeout = Text("--idle-timeout", "TIME", "Close connections that are silent for so long. Default: never.");
        Option<string> refusals = new("--refusals-per-second")
        {
            Description = "How many writes of one client are refused in a second when memory is short; one that repeats them faster waits. "
                + "off for no bound.",
            DefaultValueFactory = _ => "1000",
            HelpName = "N|off",
        };
        Option<string?> swap = new("--swap")
        {
            Description = "For a kernel that swaps to the disk: its size is RATIO (default 2) times the memory limit, and pages that hold "
                + "nothing are refused before overwrites. With --writeback, disk space for the rest is reserved and no write is refused.",
            HelpName = "[RATIO]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> lockMemory = new("--lock-memory")
        {
            Description = "Take the memory of the limit at the start and lock it, so that the server cannot be swapped out. "
                + "For a server on the machine that swaps to it.",
        };
        Option<bool> hugePages = new("--huge-pages")
        {
            Description = "Merge memory into huge pages in the background, for disks that are mostly read.",
        };
        Command command = new(
            "serve",
            "Serve a RAM disk whose blocks live compressed in memory to any NBD client. "
                + "What is on it is gone when the command ends, unless it is kept.")
        {
            size, limit, unix, listen, export, codec, pageSize, cache, tls, tlsOptional, tlsVerify, recompress, idle, writeback,
            writebackSize, writebackDaily, writebackIdle, restore, keep, readOnly, control, metrics, connections, connectionMemory,
            idleTimeout, refusals, hugePages, swap, lockMemory,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Interruptible.Run(
            stop => ServeRun.Execute(
                new ServeOptions
                {
                    Exports = Exports(parsed.GetValue(export) ?? [], new ExportOptions(string.Empty)
                    {
                        Size = Arguments.Bytes("--size", parsed.GetValue(size)),
                        Restore = NotEmpty("--restore", parsed.GetValue(restore), "file"),
                        Keep = NotEmpty("--keep", parsed.GetValue(keep), "file"),
                        ReadOnly = parsed.GetValue(readOnly),
                    }),
                    MemoryLimit = Arguments.Bytes("--memory-limit", parsed.GetValue(limit)),
                    EndPoints = EndPoints(parsed.GetValue(unix) ?? [], parsed.GetValue(listen) ?? []),
                    Control = NotEmpty("--control", parsed.GetValue(control), "path")
                        ?? ((parsed.GetValue(unix) ?? []) is [var first, ..] ? ControlOf(first) : null),
                    Metrics = parsed.GetValue(metrics) is { } address ? ListenAddress.ParseOne("--metrics", address) : null,
                    TlsCertificates = NotEmpty("--tls-certificates", parsed.GetValue(tls), "folder"),
                    TlsRequired = !parsed.GetValue(tlsOptional),
                    TlsVerifyPeer = parsed.GetValue(tlsVerify),
                    Codec = ForWrites(parsed.GetValue(codec)!),
                    PageSize = parsed.GetValue(pageSize) is { } bytes ? Arguments.PageSize(bytes) : null,
                    CacheBytes = Arguments.Bytes("--cache", parsed.GetValue(cache), least: 0),
                    HugePages = parsed.GetValue(hugePages),
                    LockMemory = parsed.GetValue(lockMemory),
                    SwapRatio = ServeArguments.Ratio("--swap", parsed.GetResult(swap) is not null, parsed.GetValue(swap)),
                    Writeback = NotEmpty("--writeback", parsed.GetValue(writeback), "file or a block device"),
                    WritebackBytes = Arguments.Bytes("--writeback-size", parsed.GetValue(writebackSize)),
                    WritebackDailyBudget = Arguments.Bytes("--writeback-daily", parsed.GetValue(writebackDaily)),
                    MaxConnections = Arguments.Integer("--max-connections", parsed.GetValue(connections)!, 1, 100_000, "1 to 100000"),
                    ConnectionMemory = Arguments.Bytes("--connection-memory", parsed.GetValue(connectionMemory)),
                    IdleTimeout = parsed.GetValue(idleTimeout) is { } silence ? ServeArguments.Time("--idle-timeout", silence) : null,
                    RefusalsPerSecond = ServeArguments.Rate("--refusals-per-second", parsed.GetValue(refusals)!),
                    Upkeep = new UpkeepOptions
                    {
                        Recompress = ForIdlePages(parsed.GetValue(recompress), parsed.GetValue(codec)!),
                        Idle = parsed.GetValue(idle) is { } unused ? ServeArguments.Time("--idle", unused) : null,
                        WritebackIdle = parsed.GetValue(writebackIdle) is { } age ? ServeArguments.Time("--writeback-idle", age) : null,
                    },
                },
                stop),
            cancellation,
            endsAtOnce: false)));
        return command;
    }

    private static Option<string?> Text(string name, string value, string description) => new(name)
    {
        Description = description,
        HelpName = value,
    };

    private static string? NotEmpty(string option, string? text, string what) => string.IsNullOrWhiteSpace(text) && text is not null
        ? throw new UserErrorException($"{option} needs a {what}; name one, or leave the option out.")
        : text;

    private static List<EndPoint> EndPoints(string[] unix, string[] listen)
    {
        List<EndPoint> endPoints = [.. unix.Select(path => ServeArguments.UnixSocket("--unix", path)),
            .. listen.Select(address => ListenAddress.Parse("--listen", address))];
        RefuseTwice("--unix", unix.Select(Path.GetFullPath));
        RefuseTwice("--listen", listen);
        return endPoints.Count > 0
            ? endPoints
            : throw new UserErrorException(
                "nowhere to listen; name a socket with --unix PATH, or an address with --listen 127.0.0.1:10809.");
    }

    private static NamedCodec ForWrites(string text) =>
        CodecNames.Parse("--codec", CodecNames.IsAuto(text) ? CodecNames.Fold : text, choices: CodecNames.AllAndAuto);

    /// <summary>The codec of the background, which has to be another than that of writes; null for none.</summary>
    private static NamedCodec? ForIdlePages(string? text, string forWrites)
    {
        bool isAuto = CodecNames.IsAuto(forWrites);
        if (text is null)
            return isAuto ? CodecNames.Parse("--codec", CodecNames.FoldDense) : null;
        NamedCodec codec = CodecNames.Denser("--recompress", text);
        return FormatOf(codec) != FormatOf(ForWrites(forWrites))
            ? codec
            : throw new UserErrorException(
                $"--recompress {text} compresses as --codec {forWrites} has done before, so nothing is gained; choose a denser one, as in "
                + $"--recompress {(isAuto ? CodecNames.FoldDense : "zstd:9")}, or leave it out.");

        static string FormatOf(NamedCodec codec) => codec.Name == "lz4-managed" ? "lz4" : codec.Name;
    }

    private static void RefuseForSeveral(string option, string? file, int exports)
    {
        if (exports > 1 && file is not null)
            throw new UserErrorException(
                $"--{option} {Arguments.Shown(file)} cannot belong to {exports} exports; write it behind the one it belongs to, as in "
                + $"--export NAME,{option}=FILE.");
    }

    private static void RefuseTwice(string option, IEnumerable<string> names)
    {
        if (names.GroupBy(name => name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new UserErrorException($"{option} {twice.Key} is given twice; give it once.");
    }

    private static void RefuseTwice(string option, string? file, ExportOptions export, string? own)
    {
        if (file is not null && own is not null)
        {
            throw new UserErrorException(
                $"--{option} {Arguments.Shown(file)} and --export {export.Name},{option}={own} say it twice; leave one of them out.");
        }
    }

    private static List<ExportOptions> Exports(string[] texts, ExportOptions common)
    {
        List<ExportOptions> exports = [.. texts.Select(ExportOptions.Parse).DefaultIfEmpty(common)];
        if (exports.GroupBy(export => export.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new UserErrorException($"--export {Arguments.Shown(twice.Key)} is named twice; give each disk a name of its own.");
        RefuseForSeveral("restore", common.Restore, texts.Length);
        RefuseForSeveral("keep", common.Keep, texts.Length);
        if (texts.Length == 1)
        {
            RefuseTwice("restore", common.Restore, exports[0], exports[0].Restore);
            RefuseTwice("keep", common.Keep, exports[0], exports[0].Keep);
        }
        if (common.Size is { } size && texts.Length > 0 && exports.TrueForAll(export => export.Size is not null))
            throw new UserErrorException(
                $"--size {ByteSize.Format(size)} would do nothing, since every export says a size of its own; leave one of them out.");
        return [.. exports.Select(export => export with
        {
            Size = export.Size ?? common.Size,
            Restore = export.Restore ?? common.Restore,
            Keep = export.Keep ?? common.Keep,
            ReadOnly = export.ReadOnly || common.ReadOnly,
        })];
    }
}
