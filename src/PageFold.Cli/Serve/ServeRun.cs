using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>One run of <c>pagefold serve</c>: checks everything before it admits the first client, and cleans up after the last.</summary>
internal static class ServeRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static int Execute(ServeOptions options, CancellationToken stop)
    {
        using ServeLog log = new();
        bool flusher = options.LockMemory && MemoryLock.TryMarkAsFlusher();
        ResidentMemory.KeepLittle();
        RefuseUnencryptedPeers(options);
        using NbdTls? tls = options.TlsCertificates is { } folder ? LoadCertificates(folder, options) : null;
        if (tls is null && (options.TlsVerifyPeer || !options.TlsRequired))
            throw new UserErrorException(
                $"{(options.TlsVerifyPeer ? "--tls-verify-peer" : "--tls-optional")} needs certificates; name their folder with "
                + $"--tls-certificates DIR.");
        if (options.Writeback is null
            && (options.WritebackBytes ?? options.WritebackDailyBudget ?? options.Upkeep.WritebackIdle?.Ticks) is not null)
            throw new UserErrorException(
                "--writeback-size, --writeback-daily and --writeback-idle need a file; name it with --writeback FILE.");
        Restoration.Check(options);
        options = SwapSizing.Apply(options);
        using KeptFiles kept = new(options.Exports);
        options = Restoration.Complete(options);
        if (options.Control is { } socket)
        {
            if (options.ListensAt(socket))
                throw new UserErrorException($"--control {socket} is what --unix names too; give each a socket of its own.");
            _ = ServeArguments.NewSocketPath("--control", socket);
        }
        RefuseWhatDoesNothing(options);
        RefuseTooLittleForConnections(options);
        IReadOnlyList<ExportOptions> exports = WithLimits(options);
        TcpPlaces.Check(options);
        // After all that can be refused for an option's sake: to take the memory may last for seconds.
        if (options.LockMemory)
            Lock(options, log);
        using HostedDisks disks = HostedDisks.Create(options, exports);
#pragma warning disable CA2000 // Stopped by the wrapper, which is how it is disposed.
        using ServerStop server = new(new NbdServer(ServerOptions(options, disks.Exports, tls, log.TellSeldom)));
#pragma warning restore CA2000
        WarnOfMemory(exports, server.Server.ConnectionBytesLimit, log);
        try
        {
            Restoration.Load(options, disks, log.Tell, stop);
            ResidentMemory.GiveBack();
            if (options.LockMemory)
                disks.TakeMemory(stop);
        }
        catch (OperationCanceledException)
        {
            log.Tell("interrupted before it served; a file of --restore or --keep is as it was");
            return ExitCodes.Interrupted;
        }
        DiskOperations operations = new(disks, options.Exports);
        using ControlServer? control = options.Control is { } path
            ? Listen<ControlServer>(
                "--control", path, () => new(ServeArguments.NewSocketPath("--control", path), operations, log.TellSeldom))
            : null;
        if (control is { TookOver: true })
            log.Tell($"took over {Path.GetFullPath(options.Control!)}, which a server that is gone has left behind");
        using DiskMetrics? metrics = options.Metrics is { } address
            ? Listen("--metrics", address.ToString(), () => new DiskMetrics(disks, address)) : null;
        Start(disks, server.Server);
        control?.Start();
        using Upkeep upkeep = new(disks, options, log.TellSeldom);
        Greet(options, disks, server.Server, flusher, log);
        ServiceManager.Tell(ServiceManager.Ready, log.Tell);
        stop.WaitHandle.WaitOne();
        ServiceManager.Tell(ServiceManager.Stopping, log.Tell);
        // What came before the end is told before it.
        upkeep.TellOfSpace();
        log.TellOmitted();
        log.Tell("ending: no new clients; those that are there finish their requests");
        server.Stop(Patience);
        upkeep.Dispose();
        // A snapshot under way that a client requested would be in the way of the one to be kept.
        control?.Dispose();
        upkeep.TellOfSpace();
        log.TellOmitted();
        return Restoration.Keep(options, disks, log.Tell) ? ExitCodes.Success : ExitCodes.Failure;
    }

    /// <summary>What the server is made with.</summary>
    public static NbdServerOptions ServerOptions(
        ServeOptions options, IReadOnlyList<NbdExport> exports, NbdTls? tls, Action<string> log) => new()
    {
        Exports = exports,
        EndPoints = options.EndPoints,
        Tls = tls,
        MaxConnections = options.MaxConnections,
        ConnectionMemory = options.ConnectionMemory,
        KeepConnectionMemory = options.LockMemory,
        IdleTimeout = options.IdleTimeout,
        RefusalsPerSecond = options.RefusalsPerSecond,
        Log = log,
    };

    private static void RefuseWhatDoesNothing(ServeOptions options)
    {
        if (options.CacheBytes is { } cache and > 0 && (options.PageSize ?? 0) < RamDisk.MinCachedPage)
            throw new UserErrorException(
                $"--cache {ByteSize.Format(cache)} is for pages of {ByteSize.Format(RamDisk.MinCachedPage)} and more; choose "
                + $"--page-size 8KiB to 64KiB, or leave --cache out.");
        if (options.Upkeep is { Idle: not null, Recompress: null })
            throw new UserErrorException(
                "--idle says when --recompress is to work; name a codec with it, as in --recompress zstd:9, or leave --idle out. For "
                + "writeback there is --writeback-idle.");
        // A device would be taken for the folder of files.
        if (options.Writeback is { } taken && options.Exports.Count > 1 && Path.Exists(taken))
            throw new UserErrorException(
                $"--writeback {taken} exists, and would not be used: {options.Exports.Count} exports have a file each beside it, with "
                + $"their names behind. Name one that does not exist, or serve one export from a device.");
    }

    private static void RefuseUnencryptedPeers(ServeOptions options)
    {
        if (options is { TlsCertificates: not null, TlsVerifyPeer: true, TlsRequired: false })
        {
            throw new UserErrorException("--tls-optional serves clients that do not encrypt, and those show no certificate "
                + "that --tls-verify-peer could verify; leave one of them out.");
        }
    }

    private static void RefuseTooLittleForConnections(ServeOptions options)
    {
        long least = NbdServerOptions.MinConnectionMemory(options.MaxConnections);
        if (options.ConnectionMemory < least)
        {
            throw new UserErrorException(string.Create(
                CultureInfo.InvariantCulture,
                $"--connection-memory is {options.ConnectionMemory:N0} bytes, too little for --max-connections {options.MaxConnections}; "
                    + $"choose at least {ByteSize.Format(least)} ({least} bytes), or fewer connections."));
        }
    }

    private static NbdTls LoadCertificates(string folder, ServeOptions options)
    {
        try
        {
            return NbdTls.Load(folder, options.TlsRequired, options.TlsVerifyPeer);
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"--tls-certificates {Arguments.Shown(folder)}: {e.Message}", e);
        }
    }

    /// <summary>The limit of all, divided among those disks that have none of their own.</summary>
    private static List<ExportOptions> WithLimits(ServeOptions options)
    {
        foreach (ExportOptions export in options.Exports)
        {
            if (export.Size is not { } size)
                throw new UserErrorException(
                    $"the size of the disk{(export.Name.Length > 0 ? $" '{export.Name}'" : string.Empty)} is missing; write for example "
                    + $"--size 8GiB.");
            RefuseUnevenSize(export, size);
        }
        return options.MemoryLimit is null && options.Exports.Count == 1 ? [.. options.Exports] : [.. MemoryShares.Divide(options)];
    }

    private static void RefuseUnevenSize(ExportOptions export, long size)
    {
        long below = size / RamDisk.SectorSize * RamDisk.SectorSize;
        if (below == size)
            return;
        long nearest = below == 0 || size - below > RamDisk.SectorSize / 2 && below <= long.MaxValue - RamDisk.SectorSize
            ? below + RamDisk.SectorSize : below;
        throw new UserErrorException(string.Create(
            CultureInfo.InvariantCulture,
            $"{(export.Name.Length > 0 ? $"export {export.Name}: " : string.Empty)}--size is {size:N0} bytes; choose a positive multiple "
                + $"of {RamDisk.SectorSize} bytes, the nearest is {nearest}."));
    }

    /// <summary>Sees to it that the memory is there, and has all that the process takes from now on stay in memory.</summary>
    private static void Lock(ServeOptions options, ServeLog log)
    {
        long limit = MemoryShares.Total(options);
        long connections = NbdServerOptions.MinConnectionMemory(options.MaxConnections);
        MemoryLock.RefuseMoreThanIsThere(limit, connections);
        log.Tell(
            $"taking and locking {ByteSize.Format(limit)} of memory, and {ByteSize.Format(connections)} for {options.MaxConnections} "
            + "connections");
        MemoryLock.Engage();
    }

    /// <summary>
    /// Warns of limits that the machine cannot keep. A control group's is refused for the disks, but a machine has swap, and may be meant
    /// to use it.
    /// </summary>
    private static void WarnOfMemory(IReadOnlyList<ExportOptions> exports, long connections, ServeLog log)
    {
        long limits = exports.Sum(export => export.MemoryLimit ?? PageStore.DefaultMemoryLimit);
        // The default is half of what the container or the machine has.
        long machine = 2 * PageStore.DefaultMemoryLimit;
        if (limits > machine)
        {
            log.Tell(
                $"WARNING: --memory-limit is {ByteSize.Format(limits)}, and this machine has {ByteSize.Format(machine)} of memory: it "
                + "will swap, or end the server; choose less, or use --writeback");
        }
        else if (connections > machine - limits)
        {
            log.Tell(
                $"WARNING: connections may take {ByteSize.Format(connections)} (--connection-memory) beside the "
                + $"{ByteSize.Format(limits)} of --memory-limit, and this machine or container has {ByteSize.Format(machine)} of memory: "
                + "it will swap, or end the server; choose less, or fewer --max-connections");
        }
    }

    private static T Listen<T>(string option, string where, Func<T> listen)
    {
        try
        {
            return listen();
        }
        catch (Exception e) when (e is SocketException or HttpListenerException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{option} {where}: cannot listen there ({e.Message.TrimEnd('.')}); choose another.", e);
        }
    }

    private static void Start(HostedDisks disks, NbdServer server)
    {
        try
        {
            disks.Start(server);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{e.Message.TrimEnd('.')}; choose another place with --unix or --listen.", e);
        }
    }

    private static void Greet(ServeOptions options, HostedDisks disks, NbdServer server, bool flusher, ServeLog log)
    {
        foreach (NbdExport export in disks.Exports)
        {
            string name = export.Name.Length > 0 ? $"'{export.Name}'" : "disk";
            log.Tell(
                $"{name}: {ByteSize.Format(export.Disk.Length)}, {ByteSize.Format(export.Disk.PageSize)} pages, "
                + $"{options.Codec.Name} ({options.Codec.Implementation}), "
                + $"at most {ByteSize.Format(export.Disk.Store.MemoryLimit)} of memory"
                + $"{(export.ReadOnly ? ", read-only" : string.Empty)}");
        }
        if (options.Upkeep.Recompress is { } denser)
        {
            string idle = ServeArguments.Show(options.Upkeep.Idle ?? UpkeepOptions.DefaultIdle);
            log.Tell($"pages not used for {idle} are compressed again with {denser.Name} in the background");
            if (CodecNames.IsLessDense(denser, options.Codec))
                log.Tell(
                    $"WARNING: --recompress {denser.Name} is less dense than --codec {options.Codec.Name}, so it gains nothing on most "
                    + "pages; choose a denser one, or leave it out");
        }
        foreach (EndPoint endPoint in server.EndPoints)
            log.Tell($"serving at {Uri(endPoint, options.TlsCertificates is not null)}");
        if (options.Control is { } control)
            log.Tell($"control socket: {Path.GetFullPath(control)} (pagefold top --control {Path.GetFullPath(control)})");
        if (options.Metrics is { } metrics)
            log.Tell($"metrics at http://{metrics}/metrics");
        if (options.LockMemory)
        {
            const string StillWaits = "; the kernel may still wait for swap when it allocates for the server "
                + "(needs CAP_SYS_RESOURCE and Linux 5.6)";
            log.Tell($"the server's memory is taken and locked{(flusher ? string.Empty : StillWaits)}");
        }
        if (options.SwapRatio is { } ratio)
        {
            string limit = options.Writeback is null
                ? "writes that compress badly may still be refused (ENOSPC)"
                : "disk space for the rest is reserved, and no write is refused";
            log.Tell($"sized for swap: {Figures.Of(ratio, "0.##")} times the memory limit; {limit}");
        }
        if (options.Exports.All(export => export.Keep is null))
            log.Tell("what is written lives in memory and is gone when this command ends");
    }

    // The socket's own path may be a relative one, to be short.
    private static string Uri(EndPoint endPoint, bool encrypted) => endPoint is UnixDomainSocketEndPoint
        ? $"nbd{(encrypted ? "s" : string.Empty)}+unix:///?socket={Path.GetFullPath(endPoint.ToString()!)}"
        : $"nbd{(encrypted ? "s" : string.Empty)}://{endPoint}";

    /// <summary>Ends the server even if what comes after its making fails.</summary>
    private sealed class ServerStop(NbdServer server) : IDisposable
    {
        public NbdServer Server => server;

        public void Stop(TimeSpan patience) => server.StopAsync(patience).GetAwaiter().GetResult();

        public void Dispose() => Stop(TimeSpan.Zero);
    }
}
