using System.Net.Sockets;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>A server that is terminated while it restores.</summary>
public class RestorationTests
{
    [Fact]
    public void A_server_that_is_interrupted_while_it_restores_says_so_and_ends_with_130()
    {
        using ServeFolder folder = new();
        using (ServeProcess first = ServeProcess.Start(folder, "--size", "1MiB"))
        {
            using ServeClient client = first.Connect();
            client.Write(0, ServeContent.Text(16 * ServeContent.Page, 1));
            first.Figures("snapshot", folder["snapshot"]);
        }
        using CancellationTokenSource told = new();
        told.Cancel();
        TextWriter error = Console.Error;
        using StringWriter log = new();
        try
        {
            Console.SetError(log);
            Assert.Equal(130, ServeRun.Execute(
                new ServeOptions
                {
                    Exports = [new ExportOptions(string.Empty) { Restore = folder["snapshot"] }],
                    EndPoints = [new UnixDomainSocketEndPoint(folder["s"])],
                    TlsRequired = true,
                    Codec = new NamedCodec("lz4", PageCodec.Lz4),
                    MemoryLimit = 16 << 20,
                    Upkeep = new UpkeepOptions(),
                },
                told.Token));
        }
        finally
        {
            Console.SetError(error);
        }
        Assert.Contains("interrupted before it served", log.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["s"]));
    }
}
