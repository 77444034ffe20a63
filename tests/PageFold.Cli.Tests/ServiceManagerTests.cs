using System.Net.Sockets;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>The messages of <c>pagefold serve</c> to the service manager that started it, in the form of systemd's Type=notify.</summary>
public class ServiceManagerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_server_reports_when_it_serves_and_when_it_ends(bool isAbstract)
    {
        using ServeFolder folder = new();
        string name = folder["notify"];
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)ServeProcess.Patience.TotalMilliseconds,
        };
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name}" : name));
        using ServeProcess server = ServeProcess.StartThrough(
            folder, ["env", $"NOTIFY_SOCKET={(isAbstract ? '@' : string.Empty)}{name}"], "--size", "1MiB");
        Assert.Equal("READY=1", Receive(manager));
        // It accepts clients when it reports that.
        using (ServeClient client = server.Connect())
            Assert.Equal(1 << 20, client.Size);
        ServeProcess.Signal("-TERM", server.Id);
        Assert.Equal("STOPPING=1", Receive(manager));
        Assert.Equal(0, server.Terminate());
        Assert.Equal(0, manager.Available);
    }

    [Fact]
    public void A_server_that_cannot_notify_its_manager_serves_and_warns()
    {
        using ServeFolder folder = new();
        using ServeProcess server = ServeProcess.StartThrough(folder, ["env", $"NOTIFY_SOCKET={folder["missing"]}"], "--size", "1MiB");
        using (ServeClient client = server.Connect())
            Assert.Equal(1 << 20, client.Size);
        Assert.Equal(0, server.Terminate());
        Assert.Contains($"NOTIFY_SOCKET {folder["missing"]}: READY=1 cannot be sent there", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_whose_manager_does_not_listen_serves_and_keeps_its_disk()
    {
        using ServeFolder folder = new();
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(folder["notify"]));
        using (Socket other = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false })
        {
            // Until there is no more room.
            Assert.Throws<SocketException>((Action)(() =>
            {
                while (true)
                    other.SendTo("X"u8, new UnixDomainSocketEndPoint(folder["notify"]));
            }));
        }
        using ServeProcess server = ServeProcess.StartThrough(
            folder, ["env", $"NOTIFY_SOCKET={folder["notify"]}"], "--size", "1MiB", "--keep", folder["kept"]);
        using (ServeClient client = server.Connect())
            Assert.Equal(1 << 20, client.Size);
        Assert.Equal(0, server.Terminate());
        Assert.True(File.Exists(folder["kept"]));
        Assert.Contains("READY=1 cannot be sent there", server.Log, StringComparison.Ordinal);
    }

    private static string Receive(Socket manager)
    {
        byte[] buffer = new byte[256];
        return Encoding.ASCII.GetString(buffer, 0, manager.Receive(buffer));
    }
}
