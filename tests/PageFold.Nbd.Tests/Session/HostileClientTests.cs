using System.Net.Sockets;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Clients that break the rules lose their connection and harm no other: beside each of them another client works.</summary>
public sealed class HostileClientTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(1500);

    private readonly Serving _serving;
    private readonly Neighbour _neighbour;

    public HostileClientTests()
    {
        _serving = new Serving(
            [
                new NbdExport { Name = "kept", Disk = TestDisk.Make() },
                new NbdExport { Name = "lz4", Disk = TestDisk.Make() },
                new NbdExport { Name = "zstd", Disk = TestDisk.Make(pageSize: 65536, codec: PageCodec.Zstd(1)) },
            ],
            handshakeTimeout: Short,
            requestTimeout: Short,
            maxConnections: 40);
        _neighbour = new Neighbour(_serving, "kept");
    }

    public void Dispose()
    {
        _neighbour.Dispose();
        _serving.Dispose();
    }

    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void An_option_without_its_magic_number_ends_the_connection(string transport)
    {
        using RawClient client = RawClient.Greet(_serving.At(transport));
        client.Send([.. Wire.U64(Wire.OptionMagic + 1), .. Wire.U32(Option.List), .. Wire.U32(0)]);
        client.AssertClosed();
        AssertLogged("an option does not begin as one");
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public void A_request_without_its_magic_number_ends_the_connection_after_the_replies_due(string export)
    {
        using RawClient client = _serving.Attach(export);
        client.Write(0, Content.Compressible(100_000, 1));
        ulong cookie = client.Request(Command.Read, 0, 100_000);
        client.Send(new byte[28]);
        Assert.Equal(Content.Compressible(100_000, 1), client.TakeAnswer(cookie, Command.Read, 0, 100_000).Data);
        client.AssertClosed();
        AssertLogged("a request does not begin as one");
    }

    [Theory]
    [InlineData((32u << 10) + 1)]
    [InlineData(uint.MaxValue)]
    public void An_option_of_too_much_data_is_not_waited_for(uint length)
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        client.Send([.. Wire.U64(Wire.OptionMagic), .. Wire.U32(Option.Go), .. Wire.U32(length)]);
        client.AssertClosed();
        AssertLogged($"an option has {length} bytes of data");
    }

    public static TheoryData<string, byte[]> Halves() => new()
    {
        { "nothing", [] },
        { "half of the flags", [0, 0] },
        { "half an option's head", [0, 0, 0, 3, .. Wire.U64(Wire.OptionMagic), 0, 0] },
        { "half an option's data", [0, 0, 0, 3, .. Wire.Option(Option.Info, Wire.Info("lz4"))[..^3]] },
        { "options, but no choice", [0, 0, 0, 3, .. Wire.Option(Option.StructuredReply, [])] },
    };

    [Theory]
    [MemberData(nameof(Halves))]
    public void Who_comes_to_no_agreement_in_time_is_cut_off(string what, byte[] sent)
    {
        using RawClient client = new(_serving.Unix);
        client.Send(sent);
        Assert.InRange(client.TakeToTheEnd().Length, 18, 18 + 20);
        Serving.Until(() => _serving.Log.Any(line => line.Contains("silent in the handshake", StringComparison.Ordinal)), what);
    }

    public static TheoryData<string, string, int> HalfRequests() => new()
    {
        { "half a head", "lz4", 10 },
        { "a head without data", "lz4", 28 },
        { "half of the data", "lz4", 28 + 10_000 },
        { "half of the data of a slow write", "zstd", 28 + 10_000 },
    };

    [Theory]
    [MemberData(nameof(HalfRequests))]
    public void Who_is_silent_in_the_middle_of_a_request_is_cut_off(string what, string export, int sent)
    {
        // Between requests there is no hurry.
        using RawClient idle = _serving.Attach(export);
        using RawClient client = _serving.Attach(export);
        byte[] whole = [.. Wire.Request(Command.Write, 0, 1, 0, 20_000), .. new byte[20_000]];
        client.Send(whole[..sent]);
        client.AssertClosed();
        Serving.Until(() => _serving.Log.Any(line => line.Contains("silent in the middle of a request", StringComparison.Ordinal)), what);
        Assert.Equal(Errno.None, idle.Do(Command.Flush, 0, 0).Error);
        Serving.Until(() => _serving.Exports.Single(e => e.Name == export).Connections == 1, "the end of the connection");
    }

    [Fact]
    public void Who_leaves_replies_untaken_is_not_silent()
    {
        // Its write comes in two halves, and behind the second are more reads than it takes replies: the server waits for the client's
        // room, not for its bytes.
        using RawClient client = _serving.Attach("lz4");
        byte[] content = Content.Of(1 << 20, 1);
        client.Write(0, content);
        byte[] young = Content.Of(8192, 2);
        ulong write = client.Request(Command.Write, 0, 8192, payload: young[..5000]);
        byte[] page = new byte[4096];
        Serving.Until(() =>
        {
            _serving.Exports[1].Disk.Read(0, page);
            return page.AsSpan().SequenceEqual(young.AsSpan(0, 4096));
        }, "the first page");
        young.CopyTo(content, 0);
        ulong[] cookies = client.RequestMany(30, Command.Read, 0, 1 << 20, before: young[5000..]);
        for (int i = 0; i < 3; i++)
        {
            using RawClient silent = RawClient.Greet(_serving.Unix);
            silent.AssertClosed();
        }
        Assert.Equal(Errno.None, client.TakeAnswer(write, Command.Write, 0, 8192).Error);
        foreach (ulong cookie in cookies)
            Content.AssertSame(content, client.TakeAnswer(cookie, Command.Read, 0, 1 << 20).Data, "a reply");
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
    }

    [Fact]
    public void Connections_beyond_the_most_are_closed_at_once_and_let_in_when_there_is_room()
    {
        List<RawClient> inside = [.. Enumerable.Range(0, 39).Select(_ => _serving.Attach("lz4"))];
        for (int i = 0; i < 50; i++)
        {
            using RawClient outside = new(i % 2 == 0 ? _serving.Unix : _serving.Tcp);
            outside.AssertClosed();
        }
        Assert.Equal(50, _serving.Server.RefusedConnections);
        foreach (RawClient client in inside)
            Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        foreach (RawClient client in inside)
            client.Dispose();
        AssertRoomFor(39);
    }

    [Fact]
    public void Thousands_of_connections_may_come_and_go_at_any_point()
    {
        byte[] valid =
        [
            .. Wire.U32(3), .. Wire.Option(Option.StructuredReply, []), .. Wire.Option(Option.Go, Wire.Info("zstd")),
                .. Wire.Request(Command.Write, 0, 1, 0, 8192), .. new byte[8192],
            .. Wire.Request(Command.Read, 0, 2, 0, 1 << 20),
        ];
        Random random = new(1);
        for (int i = 0; i < 3000; i++)
        {
            using Socket socket = new(i % 2 == 0 ? AddressFamily.Unix : AddressFamily.InterNetwork, SocketType.Stream, i % 2 == 0
                ? ProtocolType.Unspecified : ProtocolType.Tcp);
            socket.Connect(i % 2 == 0 ? _serving.Unix : _serving.Tcp);
            try
            {
                socket.Send(valid.AsSpan(0, random.Next(3) == 0 ? 0 : random.Next(valid.Length)));
            }
            catch (SocketException)
            {
                // There were too many, and it was closed at once.
            }
            // Half of them vanish without a farewell.
            if (i % 4 < 2)
                socket.LingerState = new LingerOption(true, 0);
        }
        AssertRoomFor(39);
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public void A_client_that_dies_in_the_middle_of_a_write_leaves_each_page_old_or_new(string export)
    {
        NbdExport serving = _serving.Exports.Single(e => e.Name == export);
        int page = serving.Disk.PageSize;
        byte[] old = Content.Compressible(4 * page, 1);
        byte[] young = Content.Compressible(4 * page, 2);
        Random random = new(1);
        for (int i = 0; i < 30; i++)
        {
            Assert.True(serving.Disk.TryWrite(0, old));
            using (RawClient client = _serving.Attach(export))
                client.Request(Command.Write, 0, (uint)young.Length, payload: young[..random.Next(young.Length)]);
            Serving.Until(() => serving.Connections == 0, "the end of the connection");
            byte[] read = new byte[young.Length];
            serving.Disk.Read(0, read);
            for (int at = 0; at < read.Length; at += page)
            {
                ReadOnlySpan<byte> now = read.AsSpan(at, page);
                Assert.True(now.SequenceEqual(old.AsSpan(at, page)) || now.SequenceEqual(young.AsSpan(at, page)),
                    $"round {i}: page {at / page} is neither old nor new");
            }
        }
    }

    /// <summary>What is stored on a disk may look like a request, such as one to discard the disk.</summary>
    [Theory]
    [InlineData("lz4", 0)]
    [InlineData("lz4", 100)]
    [InlineData("zstd", 0)]
    [InlineData("zstd", 65_000)]
    public void Payload_that_ends_too_early_is_never_taken_for_a_request(string export, int at)
    {
        byte[] content = Content.Compressible(1 << 20, 3);
        using (RawClient client = _serving.Attach(export))
            client.Write(0, content);
        byte[] discard = Wire.Request(Command.Trim, 0, 7, 0, 1 << 20);
        // Longer than what may be slow too, which is collected otherwise.
        foreach (uint length in (uint[])[4096, 100_000, 1 << 20])
        {
            using RawClient client = _serving.Attach(export);
            byte[] payload = [.. new byte[at], .. discard, .. discard];
            client.Request(Command.Write, 2 << 20, length, payload: payload[..(int)Math.Min(payload.Length, length - 1)]);
            client.Socket.Shutdown(SocketShutdown.Send);
            client.AssertClosed();
        }
        using RawClient after = _serving.Attach(export);
        Content.AssertSame(content, after.Read(0, 1 << 20), "the disk");
    }

    private void AssertRoomFor(int clients)
    {
        List<RawClient> inside = [];
        Serving.Until(() =>
        {
            RawClient client = new(_serving.Unix);
            if (client.Socket.Receive(new byte[18]) == 18)
                inside.Add(client);
            else
                client.Dispose();
            // Those that wait are cut off in time; only what is inside at once counts.
            if (inside.Count < clients && inside.Count > 0 && inside[0].Socket.Poll(0, SelectMode.SelectRead))
            {
                inside.ForEach(one => one.Dispose());
                inside.Clear();
            }
            return inside.Count >= clients;
        }, "room for clients");
        inside.ForEach(one => one.Dispose());
    }

    private void AssertLogged(string reason) =>
        Serving.Until(() => _serving.Log.Any(line => line.Contains(reason, StringComparison.Ordinal)), reason);
}
