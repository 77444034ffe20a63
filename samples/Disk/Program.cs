// A compressed RAM disk, used directly and served over NBD from this process. With an argument it serves until Ctrl-C.
using System.Net;
using System.Net.Sockets;
using System.Text;
using PageFold;
using PageFold.Disks;
using PageFold.Nbd;

using RamDisk disk = new(new RamDiskOptions { Length = 1L << 30, Store = new PageStoreOptions { MemoryLimit = 64 << 20 } });
byte[] data = Encoding.UTF8.GetBytes("Hello, disk.");
if (!disk.TryWrite(offset: 12345, data))
    return Failed("the write was refused");
byte[] read = new byte[data.Length];
disk.Read(12345, read);
if (!read.AsSpan().SequenceEqual(data))
    return Failed("the disk returned other bytes");
Console.WriteLine($"a disk of {disk.Length:N0} bytes in {disk.Store.GetStatistics().TotalBytes:N0} bytes of memory");

await using NbdServer server = new(new NbdServerOptions
{
    Exports = [new NbdExport { Disk = disk }],
    EndPoints = [new IPEndPoint(IPAddress.Loopback, port: 0)],
    MaxConnections = 16,
    Log = line => Console.WriteLine($"server: {line}"),
});
server.Start();
IPEndPoint address = (IPEndPoint)server.EndPoints[0];
Console.WriteLine($"serving at nbd://{address} (nbdinfo, qemu-img and nbd-client attach it)");

// The first bytes that every NBD server sends.
using (TcpClient client = new())
{
    await client.ConnectAsync(address);
    byte[] greeting = new byte[16];
    await client.GetStream().ReadExactlyAsync(greeting);
    Console.WriteLine($"a client was greeted with {Encoding.ASCII.GetString(greeting)}");
    if (!greeting.AsSpan().SequenceEqual("NBDMAGICIHAVEOPT"u8))
        return Failed("that is no NBD server");
}
if (args.Length > 0)
{
    TaskCompletionSource interrupted = new();
    Console.CancelKeyPress += (_, pressed) => pressed.Cancel = interrupted.TrySetResult();
    await interrupted.Task;
}
await server.StopAsync(TimeSpan.FromSeconds(5));
return 0;

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
