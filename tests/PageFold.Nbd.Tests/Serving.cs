using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PageFold.Nbd.Tests;

/// <summary>A server in this process, on a Unix socket of its own and a TCP port that the system chose.</summary>
internal sealed class Serving : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-nbd-");

    public Serving(
        IReadOnlyList<NbdExport> exports,
        NbdTls? tls = null,
        int maxConnections = 128,
        int maxReplyBytes = 4 << 20,
        long? connectionMemory = null,
        bool keepConnectionMemory = false,
        TimeSpan? handshakeTimeout = null,
        TimeSpan? requestTimeout = null,
        TimeSpan? idleTimeout = null,
        int? refusalsPerSecond = 1000,
        TimeProvider? clock = null)
    {
        SocketPath = Path.Combine(_folder.FullName, "nbd.sock");
        try
        {
            Server = new NbdServer(new NbdServerOptions
            {
                Exports = exports,
                EndPoints = [new UnixDomainSocketEndPoint(SocketPath), new IPEndPoint(IPAddress.Loopback, 0)],
                Tls = tls,
                MaxConnections = maxConnections,
                MaxReplyBytes = maxReplyBytes,
                ConnectionMemory = connectionMemory,
                KeepConnectionMemory = keepConnectionMemory,
                HandshakeTimeout = handshakeTimeout ?? TimeSpan.FromMinutes(1),
                RequestTimeout = requestTimeout ?? TimeSpan.FromMinutes(1),
                IdleTimeout = idleTimeout,
                RefusalsPerSecond = refusalsPerSecond,
                Clock = clock ?? TimeProvider.System,
                Log = Log.Enqueue,
            });
            Server.Start();
        }
        catch
        {
            // Options that are refused leave nothing to dispose.
            _folder.Delete(recursive: true);
            throw;
        }
        Exports = exports;
    }

    public Serving(RamDisk disk, bool readOnly = false)
        : this([new NbdExport { Disk = disk, ReadOnly = readOnly }])
    {
    }

    public NbdServer Server { get; }

    public IReadOnlyList<NbdExport> Exports { get; }

    public NbdExport Export => Exports[0];

    public RamDisk Disk => Export.Disk;

    public string SocketPath { get; }

    public string Folder => _folder.FullName;

    public ConcurrentQueue<string> Log { get; } = [];

    public EndPoint Unix => new UnixDomainSocketEndPoint(SocketPath);

    public IPEndPoint Tcp => (IPEndPoint)Server.EndPoints.First(endPoint => endPoint is IPEndPoint);

    public EndPoint At(string transport) => transport == "tcp" ? Tcp : Unix;

    /// <summary>Attaches to an export by GO.</summary>
    public RawClient Attach(string export = "", bool structured = true, string transport = "unix", params string[] contexts) =>
        RawClient.Attach(At(transport), export, structured, contexts);

    /// <summary>Waits for something that has to come, and fails if it does not.</summary>
    public static void Until(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, RawClient.Patience), $"{what} did not come about");

    public void Dispose()
    {
        Server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        foreach (NbdExport export in Exports)
            export.Disk.Dispose();
        _folder.Delete(recursive: true);
    }
}
