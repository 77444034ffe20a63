using System.Collections.Concurrent;
using System.Diagnostics;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>The disks of one serving command and the server before them: made together, reported together, ended together.</summary>
internal sealed class HostedDisks : IDisposable
{
    private readonly long _started = Stopwatch.GetTimestamp();
    // A codec lives as long as its disk's store knows it: what it holds is charged for no longer.
    private readonly ConcurrentDictionary<(NbdExport, string), WeakReference<PageCodec>> _trained = [];
    private NbdServer? _server;

    private HostedDisks(IReadOnlyList<NbdExport> exports, bool haveWriteback) => (Exports, HaveWriteback) = (exports, haveWriteback);

    public IReadOnlyList<NbdExport> Exports { get; }

    /// <summary>True if pages can be written back.</summary>
    public bool HaveWriteback { get; }

    /// <summary>Makes the disks; none is left if one cannot be made.</summary>
    public static HostedDisks Create(ServeOptions options, IReadOnlyList<ExportOptions> exports)
    {
        List<NbdExport> made = [];
        try
        {
            foreach (ExportOptions export in exports)
            {
                made.Add(new NbdExport
                {
                    Name = export.Name,
                    ReadOnly = export.ReadOnly,
                    Description = $"{ByteSize.Format(export.Size!.Value)} compressed in memory",
                    Disk = TryCreateDisk(options, export),
                });
                // Now, while there is memory for it; a full disk may have none.
                if (options.Upkeep.Recompress is { } codec)
                    AddCodec(options, export, made[^1].Disk, codec);
            }
            return new HostedDisks(made, options.Writeback is not null);
        }
        catch
        {
            foreach (NbdExport export in made)
                export.Disk.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes the memory of all limits now, for as long as the disks are there. After everything that is made with them, which needs memory
    /// beside it.
    /// </summary>
    /// <exception cref="UserErrorException">The system has too little memory.</exception>
    /// <exception cref="OperationCanceledException">A request to end came.</exception>
    public void TakeMemory(CancellationToken stop)
    {
        try
        {
            foreach (NbdExport export in Exports)
                export.Disk.Store.Prefault(stop);
        }
        catch (InsufficientMemoryException e)
        {
            throw new UserErrorException(
                "--lock-memory takes the memory of --memory-limit at once, and the system has too little; lower --memory-limit, or leave "
                + "--lock-memory out.", e);
        }
    }

    /// <summary>The server; null before it starts.</summary>
    public NbdServer? Server => _server;

    public void Start(NbdServer server)
    {
        _server = server;
        server.Start();
    }

    /// <summary>Notes that a disk's pages are compressed with what was trained on them, from now on wherever the codec is named.</summary>
    public void NoteTrained(NbdExport export, NamedCodec codec, PageCodec trained) => _trained[(export, codec.Name)] = new(trained);

    /// <summary>
    /// The codec with the latest dictionary or tables that were trained on a disk's pages, if the disk still knows it, one that came with
    /// a snapshot included; otherwise the codec itself.
    /// </summary>
    public PageCodec Latest(NbdExport export, NamedCodec codec)
    {
        if (_trained.TryGetValue((export, codec.Name), out WeakReference<PageCodec>? latest) && latest.TryGetTarget(out PageCodec? trained))
            return trained;
        PageStore store = export.Disk.Store;
        CodecUse? restored = store.Codecs
            .Where(use => use.DictionaryBytes > 0 && CodecNames.WithLevel(use.Name, use.Level) == codec.Name).MaxBy(use => use.Pages);
        return restored is null ? codec.Codec : store.FindCodec(restored.Number) ?? codec.Codec;
    }

    /// <summary>The export of that name; without a name the only one.</summary>
    public NbdExport Find(string? name)
    {
        if (name is null)
        {
            return Exports.Count == 1
                ? Exports[0]
                : throw new UserErrorException($"there are several exports; choose one with --export: {Names}.");
        }
        return Exports.FirstOrDefault(export => export.Name == name)
            ?? throw new UserErrorException(Exports is [{ Name.Length: 0 }]
                ? $"--export {Arguments.Shown(name)} does not exist; this server has one disk, which has no name: leave --export out."
                : $"--export {Arguments.Shown(name)} does not exist; the exports are: {Names}.");
    }

    public ServerReport Report(string? name)
    {
        IReadOnlyList<NbdExport> chosen = name is null ? Exports : [Find(name)];
        return new ServerReport
        {
            Pid = Environment.ProcessId,
            UptimeSeconds = Stopwatch.GetElapsedTime(_started).TotalSeconds,
            EndPoints = [.. _server!.EndPoints.Select(endPoint => endPoint is System.Net.Sockets.UnixDomainSocketEndPoint
                ? Path.GetFullPath(endPoint.ToString()!) : endPoint.ToString()!)],
            RefusedConnections = _server.RefusedConnections,
            ConnectionBytes = _server.ConnectionBytes,
            ConnectionPeakBytes = _server.ConnectionPeakBytes,
            ConnectionBytesLimit = _server.ConnectionBytesLimit,
            ResidentBytes = Environment.WorkingSet,
            Exports = [.. chosen.Select(DiskReport.Of)],
        };
    }

    public void Dispose()
    {
        foreach (NbdExport export in Exports)
            export.Disk.Dispose();
    }

    private string Names => string.Join(", ", Exports.Select(export => Arguments.Shown(export.Name)));

    private static void AddCodec(ServeOptions options, ExportOptions export, RamDisk disk, NamedCodec codec)
    {
        try
        {
            disk.Store.AddCodec(codec.Codec);
        }
        catch (MemoryLimitException e)
        {
            throw new UserErrorException(Prefix(export) + (TooSmall(options, export) ?? OptionNames.Rename(e)), e);
        }
    }

    private static bool Works(ServeOptions options, ExportOptions export)
    {
        try
        {
            using RamDisk disk = CreateDisk(options, export);
            return LeastMemory.HoldsPage(disk.Store, options.Upkeep.Recompress?.Codec);
        }
        catch (Exception e) when (e is ArgumentException or MemoryLimitException)
        {
            return false;
        }
    }

    private static string Prefix(ExportOptions export) => export.Name.Length > 0 ? $"export {export.Name}: " : string.Empty;

    /// <summary>Says which limit is enough for a disk; null if that is not known.</summary>
    private static string? TooSmall(ServeOptions options, ExportOptions export)
    {
        // A trial must not touch the file. A limit that is refused for another reason, as one above the container's, is not too small.
        if (export.MemoryLimit is not { } limit || options.Writeback is not null || Least(options) is not { } least || least <= limit)
            return null;
        NamedCodec lz4 = CodecNames.Parse("--codec", "lz4");
        string codecs = options.Upkeep.Recompress is { } denser ? $"{options.Codec.Name} with {denser.Name}" : options.Codec.Name;
        return LeastMemory.Refusal(
            limit, codecs, least, Least(options with { Codec = lz4, Upkeep = options.Upkeep with { Recompress = null } }));

        long? Least(ServeOptions tried) =>
            LeastMemory.Find(0, bytes => Works(tried, export with { MemoryLimit = bytes }));
    }

    private static RamDisk TryCreateDisk(ServeOptions options, ExportOptions export)
    {
        try
        {
            return CreateDisk(options, export);
        }
        catch (ArgumentException e)
        {
            string message = OptionNames.Rename(e);
            if (OptionMessage.Of(e) is { } about && about.Names("MemoryLimit") && !about.Names("ReserveForSnapshot")
                && !about.Names("CacheBytes"))
                message = TooSmall(options, export) ?? message;
            if (options.MemoryLimit is { } all && options.Exports.First(asked => asked.Name == export.Name).MemoryLimit is null
                && options.Exports.Count > 1 && OptionMessage.Of(e) is { } named && named.Names("MemoryLimit"))
                message += $" This is its share of --memory-limit {ByteSize.Format(all)}, which {options.Exports.Count} exports divide: "
                    + $"raise that, or give it more with --export {export.Name},memory-limit=BYTES.";
            throw new UserErrorException(Prefix(export) + message, e);
        }
        catch (Exception) when (Directory.Exists(options.WritebackOf(export)))
        {
            throw new UserErrorException($"--writeback {options.Writeback}: {options.WritebackOf(export)} is a folder; name a file.");
        }
        catch (IOException e) when (OptionNames.OptionOf(e) is not null)
        {
            throw new UserErrorException($"{OptionNames.Rename(e)} A smaller --swap ratio or --memory-limit needs less.", e);
        }
        catch (PathTooLongException e) when (options.Writeback is not null)
        {
            throw IOFailure.NameTooLong($"--writeback {options.Writeback}", options.WritebackOf(export)![options.Writeback.Length..], e);
        }
        catch (Exception e) when (options.Writeback is not null && e is IOException or UnauthorizedAccessException)
        {
            string remedy = IOFailure.IsNoSpace(e) ? "make room there, or name a file on another file system, or a block device"
                : "name a file in a folder that exists, which no other server uses, or a block device";
            throw new UserErrorException(
                $"--writeback {options.Writeback} cannot be used ({e.Message.TrimEnd('.')}); {remedy}.", e);
        }
    }

    private static RamDisk CreateDisk(ServeOptions options, ExportOptions export) => new(new RamDiskOptions
    {
        Length = export.Size!.Value,
        CacheBytes = options.CacheBytes,
        ReserveForSnapshot = export.Keep is not null,
        Store = new PageStoreOptions
        {
            PageSize = options.PageSize ?? 4096,
            Codec = options.Codec.Codec,
            MemoryLimit = export.MemoryLimit,
            HugePages = options.HugePages,
            OverwriteReserve = SwapSizing.Reserve(options, export),
            TrackAccess = true,
            Writeback = Writeback(options, export),
        },
    });

    private static WritebackOptions? Writeback(ServeOptions options, ExportOptions export) =>
        options.Writeback is null ? null : new WritebackOptions
    {
        Path = options.WritebackOf(export)!,
        MaxBytes = options.SwapRatio is null ? options.WritebackBytes : SwapSizing.WritebackBytes(options, export),
        DailyBudget = options.WritebackDailyBudget,
        DirectReclaim = options.SwapRatio is not null,
        Preallocate = options.SwapRatio is not null,
    };
}
