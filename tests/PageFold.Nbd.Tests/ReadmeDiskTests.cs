using System.Net.Sockets;

namespace PageFold.Nbd.Tests;

/// <summary>The README's code of a served disk compiles and runs; ReadmeTests compares it with the README.</summary>
public sealed class ReadmeDiskTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-readme-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_disk_example_serves()
    {
        string socketPath = Path.Combine(_folder.FullName, "disk.sock");

        using RamDisk disk = new(new RamDiskOptions { Length = 1L << 30, Store = new PageStoreOptions { MemoryLimit = 64L << 20 } });
        await using NbdServer server = new(new NbdServerOptions
        {
            Exports = [new NbdExport { Disk = disk }],
            EndPoints = [new UnixDomainSocketEndPoint(socketPath)],
        });
        server.Start();                                           // serves until it is stopped or disposed

        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), TestContext.Current.CancellationToken);
        byte[] greeting = new byte[8];
        await using NetworkStream stream = new(client);
        await stream.ReadExactlyAsync(greeting, TestContext.Current.CancellationToken);
        Assert.Equal("NBDMAGIC"u8.ToArray(), greeting);
    }
}
