namespace PageFold.Nbd.Tests.Session;

/// <summary>What all connections have in hand stays below its limit, whatever clients do, and goes back when they have gone.</summary>
public class ConnectionMemoryTests
{
    private const int MaxConnections = 24;
    private const long Block = 132 << 10;

    /// <summary>
    /// Clients that ask for much and take nothing, beside others that verify every byte, on disks that are quick and slow.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(200)]
    public void Greedy_clients_never_have_more_than_the_limit_and_keep_no_other_from_its_replies(int sharedBlocks)
    {
        long limit = NbdServerOptions.MinConnectionMemory(MaxConnections) + sharedBlocks * Block;
        using Serving serving = new(
            [
                new NbdExport { Name = "quick", Disk = TestDisk.Make(8 << 20) },
                new NbdExport { Name = "slow", Disk = TestDisk.Make(8 << 20, 65536, PageCodec.Zstd(9)) },
            ],
            maxConnections: MaxConnections,
            connectionMemory: limit);
        Assert.Equal(limit, serving.Server.ConnectionBytesLimit);
        byte[] content = Content.Of(1 << 20, 1);
        foreach (string name in new[] { "quick", "slow" })
        {
            using RawClient writer = serving.Attach(name);
            writer.Write(0, content);
        }
        List<RawClient> greedy = [.. Enumerable.Range(0, 16).Select(i => serving.Attach(i % 2 == 0 ? "quick" : "slow"))];
        foreach (RawClient client in greedy)
            client.RequestMany(30, Command.Read, 0, 1 << 20);
        int replies = 0;
        Task.WaitAll([.. Enumerable.Range(0, 4).Select(i => Content.OnItsOwnThread(() =>
        {
            using RawClient client = serving.Attach(i % 2 == 0 ? "quick" : "slow");
            byte[] own = Content.Of(128 << 10, (ulong)i + 2);
            for (int round = 0; round < 3; round++)
            {
                client.Write((2 + i) << 20, own);
                Content.AssertSame(own, client.Read((2 + i) << 20, own.Length), "what was written");
                ulong[] cookies = client.RequestMany(20, Command.Read, 0, 64 << 10);
                HashSet<ulong> left = [.. cookies];
                Dictionary<ulong, List<byte>> taken = [];
                while (left.Count > 0)
                {
                    Message message = client.TakeMessage();
                    if (!taken.TryGetValue(message.Cookie, out List<byte>? data))
                        taken[message.Cookie] = data = [];
                    data.AddRange(message.Payload.AsSpan(Math.Min(8, message.Payload.Length)));
                    if (message.Done)
                        left.Remove(message.Cookie);
                }
                Assert.All(taken.Values, data => Content.AssertSame(content.AsSpan(0, 64 << 10).ToArray(), [.. data], "a reply"));
                Interlocked.Add(ref replies, taken.Count);
                Assert.InRange(serving.Server.ConnectionBytes, 0, limit);
            }
        }))], TestContext.Current.CancellationToken);
        Assert.Equal(4 * 3 * 20, replies);
        Assert.InRange(serving.Server.ConnectionPeakBytes, 16 * 2 * Block, limit);
        foreach (RawClient client in greedy)
            client.Dispose();
        Serving.Until(() => serving.Exports.All(export => export.Connections == 0), "the end of all connections");
        Serving.Until(() => serving.Server.ConnectionBytes == 0, "the return of all memory");
    }

    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void A_silent_connection_gives_its_memory_back(string transport)
    {
        using Serving serving = new(TestDisk.Make());
        using RawClient client = serving.Attach(transport: transport);
        byte[] content = Content.Of(1 << 20, 1);
        client.Write(0, content);
        Content.AssertSame(content, client.Read(0, content.Length), "before the silence");
        Assert.NotEqual(0, serving.Server.ConnectionPeakBytes);
        Serving.Until(() => serving.Server.ConnectionBytes == 0, "the return of the memory");
        Content.AssertSame(content, client.Read(0, content.Length), "after the silence");
    }

    [Fact]
    public void Kept_memory_is_there_from_the_start_and_stays_when_the_rest_goes_back()
    {
        const long Sure = 16 * 3 * Block;
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make() }], maxConnections: 16, keepConnectionMemory: true);
        Assert.Equal(Sure, serving.Server.ConnectionBytes);
        List<RawClient> greedy = [.. Enumerable.Range(0, 16).Select(_ => serving.Attach())];
        greedy[0].Write(0, Content.Of(1 << 20, 1));
        foreach (RawClient client in greedy)
            client.RequestMany(30, Command.Read, 0, 1 << 20);
        Serving.Until(() => serving.Server.ConnectionPeakBytes > Sure, "borrowed memory");
        foreach (RawClient client in greedy)
            client.Dispose();
        Serving.Until(() => serving.Server.ConnectionBytes == Sure, "the return of what is not kept");
    }

    [Fact]
    public void Less_memory_than_all_connections_need_is_refused()
    {
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(
            () => new Serving([new NbdExport { Disk = TestDisk.Make() }], maxConnections: 16, connectionMemory: 16 * 3 * Block - 1));
        Assert.Contains("ConnectionMemory is 6,488,063 bytes", e.Message, StringComparison.Ordinal);
        Assert.Contains("choose at least 6,488,064 bytes", e.Message, StringComparison.Ordinal);
    }
}
