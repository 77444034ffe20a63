using System.Net;
using PageFold.Tests;

namespace PageFold.Nbd.Tests;

/// <summary>Every exception that a public member throws, of a disk or server that lives or has ended, is in its documentation.</summary>
public sealed class DocumentationTests : IDisposable
{
    private const long Limit = 4 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-");
    private readonly List<RamDisk> _disks = [];
    private readonly DocumentedExceptions _documented;

    public DocumentationTests()
    {
        string good = Path.Combine(_folder.FullName, "good");
        MakeDisk().SaveSnapshot(good);
        _documented = new DocumentedExceptions([typeof(RamDisk).Assembly, typeof(PageStore).Assembly], new Dictionary<Type, object?[]>
        {
            [typeof(long)] = [4096L, 0L, -1L, long.MaxValue],
            [typeof(int)] = [1, 0, -1, int.MaxValue],
            [typeof(string)] = [good, null, string.Empty, Path.Combine(_folder.FullName, "no/folder"), _folder.FullName, "\0"],
            [typeof(CancellationToken)] = [CancellationToken.None, new CancellationToken(canceled: true)],
            [typeof(TimeSpan)] = [TimeSpan.Zero, TimeSpan.FromDays(-1), TimeSpan.MaxValue],
            [typeof(RequestKind)] = [RequestKind.Read, (RequestKind)99, (RequestKind)(-1)],
            [typeof(RamDiskOptions)] = [Options(1 << 20, 4096), null, Options(-1, 4096), Options(1, 4096), Options(1 << 20, 0), Options(1 << 20, 5)],
            [typeof(NbdServerOptions)] = [ServerOptions(1), null, ServerOptions(0)],
        });
    }

    public void Dispose()
    {
        _disks.ForEach(disk => disk.Dispose());
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_member_throws_is_documented(bool hasEnded)
    {
        byte[] page = new byte[4096];
        List<string?> missing =
        [
            .. _documented.Missing(typeof(RamDisk), Disk),
            .. _documented.Missing(typeof(NbdServer), Server),
            .. _documented.Missing(typeof(NbdExport), () => new NbdExport { Name = "a", Disk = MakeDisk() }),
            .. _documented.Missing(typeof(NbdServerOptions), make: null),
            .. _documented.Missing(typeof(NbdTls), make: null),
        ];
        RamDisk disk = (RamDisk)Disk();
        foreach (long offset in (long[])[0, -1, disk.Length])
        {
            missing.Add(_documented.Missing("M:PageFold.Nbd.RamDisk.Read(", () => disk.Read(offset, page)));
            missing.Add(_documented.Missing("M:PageFold.Nbd.RamDisk.TryWrite(", () => disk.TryWrite(offset, page)));
        }
        missing.RemoveAll(line => line is null);
        Assert.True(missing.Count == 0, string.Join("\n", missing.Distinct()));

        object Disk()
        {
            RamDisk disk = MakeDisk();
            if (hasEnded)
                disk.Dispose();
            return disk;
        }

        object Server()
        {
            NbdServer server = new(ServerOptions(1));
            if (hasEnded)
                server.StopAsync(TimeSpan.Zero).GetAwaiter().GetResult();
            return server;
        }
    }

    private RamDisk MakeDisk()
    {
        RamDisk disk = new(Options(1 << 20, 16384));
        _disks.Add(disk);
        Assert.True(disk.TryWrite(0, new byte[] { 1 }));
        return disk;
    }

    private static RamDiskOptions Options(long length, int pageSize) =>
        new() { Length = length, Store = new PageStoreOptions { MemoryLimit = Limit, PageSize = pageSize } };

    private NbdServerOptions ServerOptions(int connections) => new()
    {
        Exports = [new NbdExport { Name = "a", Disk = MakeDisk() }],
        EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
        MaxConnections = connections,
    };
}
