using System.Net;
using PageFold.Tests;

namespace PageFold.Nbd.Tests;

/// <summary>Every exception that a public member throws, of a server that lives or has ended, is in its documentation.</summary>
public sealed class DocumentationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-");
    private readonly RamDisk _disk = TestDisk.Make();
    private readonly DocumentedExceptions _documented;

    public DocumentationTests() => _documented = new DocumentedExceptions(
        [typeof(NbdServer).Assembly, typeof(RamDisk).Assembly],
        new Dictionary<Type, object?[]>
        {
            [typeof(int)] = [1, 0, -1, int.MaxValue],
            [typeof(string)] = [_folder.FullName, null, string.Empty, Path.Combine(_folder.FullName, "no/folder"), "\0"],
            [typeof(TimeSpan)] = [TimeSpan.Zero, TimeSpan.FromDays(-1), TimeSpan.MaxValue],
            [typeof(RequestKind)] = [RequestKind.Read, (RequestKind)99, (RequestKind)(-1)],
            [typeof(NbdServerOptions)] = [ServerOptions(1), null, ServerOptions(0)],
        });

    public void Dispose()
    {
        _disk.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_member_throws_is_documented(bool hasEnded)
    {
        string[] missing =
        [
            .. _documented.Missing(typeof(NbdServer), Server),
            .. _documented.Missing(typeof(NbdExport), () => new NbdExport { Name = "a", Disk = _disk }),
            .. _documented.Missing(typeof(NbdServerOptions), make: null),
            .. _documented.Missing(typeof(NbdTls), make: null),
        ];
        Assert.True(missing.Length == 0, string.Join("\n", missing.Distinct()));

        NbdServer Server()
        {
            NbdServer server = new(ServerOptions(1));
            if (hasEnded)
                server.StopAsync(TimeSpan.Zero).GetAwaiter().GetResult();
            return server;
        }
    }

    private NbdServerOptions ServerOptions(int connections) => new()
    {
        Exports = [new NbdExport { Name = "a", Disk = _disk }],
        EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
        MaxConnections = connections,
    };
}
