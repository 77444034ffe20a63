namespace PageFold.Nbd.Tests.Session;

/// <summary>How long a client may be silent between its requests, and how a server that ends leaves those that are not.</summary>
public class SilenceTests
{
    private const int Page = 65536;
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    [Fact]
    public void Who_is_silent_between_requests_is_cut_off_if_that_is_wished()
    {
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make() }], idleTimeout: Short);
        using RawClient client = serving.Attach();
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        client.AssertClosed();
        Serving.Until(() => serving.Log.Any(line => line.Contains("silent between requests", StringComparison.Ordinal)), "the reason");
        Serving.Until(() => serving.Export.Connections == 0, "the end of the connection");
    }

    [Fact]
    public void Who_takes_no_replies_is_cut_off_and_who_waits_for_slow_ones_is_not()
    {
        HalvingCodec codec = new("slow");
        using Serving serving = new(
            [new NbdExport { Disk = TestDisk.Make(8 << 20, Page, codec) }], maxReplyBytes: 256 << 10, idleTimeout: Short);
        using RawClient waiting = serving.Attach();
        using RawClient other = serving.Attach();
        byte[] content = HalvingCodec.Content(Page, 2, 1);
        waiting.Write(0, content);
        codec.Gate.Reset();
        ulong slow = waiting.Request(Command.Read, 0, 2 * Page);
        // Far more than the socket and the server hold for it, of which it takes nothing.
        other.RequestMany(64, Command.Read, 4 << 20, 1 << 20);
        Serving.Until(() => serving.Log.Any(line => line.Contains("silent between requests", StringComparison.Ordinal)), "the other's end");
        Serving.Until(() => serving.Export.Connections == 1, "the end of the other's connection");
        codec.Gate.Set();
        Content.AssertSame(content, waiting.TakeAnswer(slow, Command.Read, 0, 2 * Page).Data, "the slow read");
    }

    [Fact]
    public void A_write_over_TCP_that_is_half_there_when_the_server_ends_is_taken_and_answered()
    {
        using Serving serving = new(TestDisk.Make());
        using RawClient idle = serving.Attach(transport: "tcp");
        using RawClient client = serving.Attach(transport: "tcp");
        byte[] content = Content.Of(200_000, 1);
        ulong write = client.Request(Command.Write, 0, 200_000, payload: content[..100_000]);
        byte[] page = new byte[4096];
        Serving.Until(() =>
        {
            serving.Disk.Read(0, page);
            return page.AsSpan().SequenceEqual(content.AsSpan(0, 4096));
        }, "the first page");
        Task stopped = serving.Server.StopAsync(RawClient.Patience);
        // Who is between two requests is told at once.
        idle.AssertClosed();
        client.Send(content[100_000..]);
        Assert.Equal(Errno.None, client.TakeAnswer(write, Command.Write, 0, 200_000).Error);
        client.AssertClosed();
        stopped.GetAwaiter().GetResult();
        byte[] read = new byte[content.Length];
        serving.Disk.Read(0, read);
        Content.AssertSame(content, read, "what was written");
    }

    [Fact]
    public void Slow_replies_that_wait_for_their_client_keep_it_no_longer_than_others()
    {
        using Serving serving = new(
            [new NbdExport { Disk = TestDisk.Make(64 << 20, Page, PageCodec.Zstd(1)) }], maxReplyBytes: 256 << 10, idleTimeout: Short);
        using RawClient client = serving.Attach(structured: false);
        for (int i = 0; i < 8; i++)
            client.Write(i * 2 * Page, Content.Compressible(2 * Page, (ulong)i));
        client.RequestMany(8, Command.Read, 0, 2 * Page);
        // A reply in one piece, of which it takes nothing, and behind which theirs are kept.
        client.Request(Command.Read, 32 << 20, 32 << 20);
        Serving.Until(() => serving.Export.Connections == 0, "the end of the connection");
    }

    [Fact]
    public void A_log_that_fails_harms_nobody()
    {
        using RamDisk disk = TestDisk.Make();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-log-");
        string path = Path.Combine(folder.FullName, "s");
        NbdServer server = new(new NbdServerOptions
        {
            Exports = [new NbdExport { Disk = disk }],
            EndPoints = [new System.Net.Sockets.UnixDomainSocketEndPoint(path)],
            Log = _ => throw new InvalidOperationException("the log is full"),
        });
        server.Start();
        using (RawClient hostile = RawClient.Greet(server.EndPoints[0]))
        {
            hostile.Send(new byte[64]);
            hostile.AssertClosed();
        }
        using (RawClient client = RawClient.Attach(server.EndPoints[0]))
            Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        server.StopAsync(RawClient.Patience).GetAwaiter().GetResult();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_server_that_ends_does_not_wait_for_who_takes_nothing_longer_than_it_is_told()
    {
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make() }], maxReplyBytes: 256 << 10);
        using RawClient client = serving.Attach();
        client.Write(0, Content.Of(1 << 20, 1));
        client.RequestMany(64, Command.Read, 0, 64 << 10);
        // More than a socket holds. A server that is told to end earlier refuses what it has not begun, and need not wait.
        Serving.Until(() => serving.Export.GetActivity(RequestKind.Read).Requests >= 5, "replies that are not taken");
        using RawClient half = RawClient.Greet(serving.Unix);
        half.Send(0, 0, 0);
        serving.Server.StopAsync(TimeSpan.FromMilliseconds(100)).GetAwaiter().GetResult();
        half.AssertClosed();
        Serving.Until(() => serving.Export.Connections == 0, "the end of the connection");
        // The line may come a moment after the connection has gone.
        Serving.Until(() => serving.Log.Any(line => line.Contains("the server ends", StringComparison.Ordinal)), "the line in the log");
    }
}
