using System.Collections.Concurrent;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Reads and writes of all sizes and forms, alone and beside others.</summary>
public sealed class TransmissionTests : IDisposable
{
    private const int Size = (40 << 20) + 512;

    private readonly Serving _serving = new(
    [
        new NbdExport { Name = "lz4", Disk = TestDisk.Make(Size) },
        new NbdExport { Name = "lz4, 64 KiB", Disk = TestDisk.Make(Size, pageSize: 65536) },
        new NbdExport { Name = "fold, 16 KiB", Disk = TestDisk.Make(Size, pageSize: 16384, codec: PageCodec.Fold()) },
        new NbdExport { Name = "zstd", Disk = TestDisk.Make(Size, codec: PageCodec.Zstd(1)) },
        new NbdExport { Name = "zstd, 64 KiB", Disk = TestDisk.Make(Size, pageSize: 65536, codec: PageCodec.Zstd(3)) },
    ]);

    public static TheoryData<string, bool, string> Ways() => new()
    {
        { "lz4", false, "unix" },
        { "lz4", true, "tcp" },
        { "lz4, 64 KiB", false, "tcp" },
        { "lz4, 64 KiB", true, "unix" },
        { "fold, 16 KiB", true, "unix" },
        { "zstd", false, "unix" },
        { "zstd", true, "unix" },
        { "zstd, 64 KiB", true, "tcp" },
    };

    public void Dispose() => _serving.Dispose();

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_largest_reads_and_writes_go_through_at_any_offset(string export, bool structured, string transport)
    {
        using RawClient client = _serving.Attach(export, structured, transport);
        byte[] content = Content.Compressible(32 << 20, 5);
        client.Write(777, content, Flag.Fua);
        Content.AssertSame(content, client.Read(777, 32 << 20), "what was written");
        Content.AssertSame(content.AsSpan(1000, 70_001), client.Read(1777, 70_001), "a part of it");
        Assert.Equal(new byte[777], client.Read(0, 777));
        Assert.Equal(new byte[Size - 777 - (32 << 20)], client.Read(777 + (32 << 20), Size - 777 - (32 << 20)));
        client.Disconnect();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Random_requests_leave_what_they_would_leave_in_an_array(string export, bool structured, string transport)
    {
        using RawClient client = _serving.Attach(export, structured, transport);
        const int Length = 1 << 20;
        byte[] model = new byte[Length];
        Random random = new(export.Length + (structured ? 1 : 0));
        for (int i = 0; i < 500; i++)
        {
            int offset = random.Next(Length);
            int count = random.Next(1, Math.Min(Length - offset, random.Next(2) == 0 ? 5000 : 300_000) + 1);
            switch (random.Next(6))
            {
                case 0 or 1:
                    byte[] data = random.Next(4) == 0 ? new byte[count] : Content.Compressible(count, (ulong)i);
                    client.Write(offset, data, random.Next(2));
                    data.CopyTo(model, offset);
                    break;
                case 2:
                    client.Trim(offset, (uint)count);
                    model.AsSpan(offset, count).Clear();
                    break;
                case 3:
                    int flags = random.Next(2) * Flag.NoHole | random.Next(2) * Flag.FastZero | random.Next(2) * Flag.Fua;
                    Assert.Equal(Errno.None, client.Do(Command.WriteZeroes, (ulong)offset, (uint)count, flags).Error);
                    model.AsSpan(offset, count).Clear();
                    break;
                default:
                    int read = structured ? random.Next(2) * Flag.DontFragment : 0;
                    Content.AssertSame(model.AsSpan(offset, count), client.Read(offset, count, read),
                        $"request {i}, {count} bytes at {offset}");
                    break;
            }
        }
        Content.AssertSame(model, client.Read(0, Length), "the whole");
    }

    [Fact]
    public void Holes_are_not_sent_as_data()
    {
        using RawClient client = _serving.Attach("lz4");
        client.Write(1 << 20, Content.Compressible(4096, 1));
        Answer answer = client.Do(Command.Read, 0, 32 << 20);
        Assert.Equal(3, answer.Messages.Count);
        Assert.Equal(2, answer.Messages.Count(message => message.Type == ChunkKind.Hole));
        Assert.True(answer.Messages.Sum(message => message.Payload.Length) < 5000);
        Assert.Equal(Content.Compressible(4096, 1), answer.Data[(1 << 20)..((1 << 20) + 4096)]);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    [InlineData(32 << 20)]
    public void A_read_that_must_not_be_cut_comes_in_one_piece(int length)
    {
        foreach (NbdExport export in _serving.Exports)
        {
            using RawClient client = _serving.Attach(export.Name);
            client.Write(5000, Content.Compressible(length / 2, 1));
            Answer answer = client.Do(Command.Read, 5000, (uint)length, Flag.DontFragment);
            Assert.Single(answer.Messages);
            Content.AssertSame(Content.Compressible(length / 2, 1), answer.Data.AsSpan(0, length / 2), export.Name);
        }
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("lz4, 64 KiB")]
    [InlineData("zstd")]
    public void Each_client_sees_what_another_was_told_is_written(string export)
    {
        using RawClient one = _serving.Attach(export, transport: "unix");
        using RawClient other = _serving.Attach(export, structured: false, transport: "tcp");
        for (int i = 0; i < 300; i++)
        {
            (RawClient writer, RawClient reader) = i % 2 == 0 ? (one, other) : (other, one);
            int offset = i * 3777 % (1 << 20);
            byte[] content = Content.Compressible(1 + i * 97 % 9000, (ulong)i);
            writer.Write(offset, content);
            Assert.Equal(content, reader.Read(offset, content.Length));
            if (i % 10 != 0)
                continue;
            writer.Trim(offset, (uint)content.Length);
            Assert.Equal(new byte[content.Length], reader.Read(offset, content.Length));
        }
    }

    [Fact]
    public void Clients_on_threads_of_their_own_keep_their_own_blocks_of_shared_pages()
    {
        const int Clients = 4;
        const int Blocks = 256;
        Task[] tasks = [.. Enumerable.Range(0, Clients).Select(number => Content.OnItsOwnThread(() =>
        {
            using RawClient client = _serving.Attach("lz4, 64 KiB", structured: number % 2 == 0);
            byte[]?[] model = new byte[]?[Blocks];
            Random random = new(number);
            for (int i = 0; i < 3000; i++)
            {
                int block = random.Next(Blocks);
                long offset = (block * Clients + number) * 512L;
                if (random.Next(2) == 0)
                    client.Write(offset, model[block] = Content.Compressible(512, (ulong)random.NextInt64()));
                else
                    Assert.Equal(model[block] ?? new byte[512], client.Read(offset, 512));
            }
        }))];
        Task.WaitAll(tasks);
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("zstd, 64 KiB")]
    public void Many_requests_under_way_are_each_answered_once(string export)
    {
        const int Requests = 2000;
        using RawClient client = _serving.Attach(export);
        byte[] content = Content.Compressible(8 << 20, 9);
        client.Write(0, content);
        Random random = new(1);
        ConcurrentDictionary<ulong, (int Offset, int Length, byte[] Data, int Left)> reads = [];
        ConcurrentDictionary<ulong, bool> others = [];
        ulong first = client.Request(Command.Flush, 0, 0);
        others[first] = true;
        int answered = 0;
        Task taking = Content.OnItsOwnThread(() =>
        {
            while (answered <= Requests)
                Take(client.TakeMessage());
        });
        for (ulong cookie = first + 1; cookie <= first + Requests; cookie++)
        {
            int offset = random.Next(content.Length - 200_000);
            int length = random.Next(1, random.Next(3) == 0 ? 200_000 : 20_000);
            int command = random.Next(8) switch { 0 => Command.Flush, 1 => Command.Write, _ => Command.Read };
            if (command == Command.Read)
                reads[cookie] = (offset, length, new byte[length], length);
            else
                others[cookie] = true;
            bool flush = command == Command.Flush;
            Assert.Equal(cookie, client.Request(command, flush ? 0 : (ulong)offset, flush ? 0 : (uint)length,
                payload: command == Command.Write ? content[offset..(offset + length)] : null));
        }
        taking.Wait();

        void Take(Message message)
        {
            if (others.TryRemove(message.Cookie, out _))
            {
                Assert.Equal(Errno.None, message.Error);
                answered++;
                return;
            }
            (int offset, int length, byte[] data, int left) = reads[message.Cookie];
            Assert.Equal(ChunkKind.Data, message.Type);
            int at = (int)Wire.ToU64(message.Payload) - offset;
            message.Payload.AsSpan(8).CopyTo(data.AsSpan(at));
            left -= message.Payload.Length - 8;
            reads[message.Cookie] = (offset, length, data, left);
            Assert.Equal(message.Done, left == 0);
            if (!message.Done)
                return;
            Content.AssertSame(content.AsSpan(offset, length), data, $"{length} bytes at {offset}");
            Assert.True(reads.TryRemove(message.Cookie, out _));
            answered++;
        }
    }

    [Fact]
    public void A_client_that_never_takes_its_replies_keeps_few_bytes_waiting_and_holds_up_nobody()
    {
        const int MaxReplies = 1 << 20;
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make(16 << 20) }], maxReplyBytes: MaxReplies);
        byte[] content = Content.Of(1 << 20, 3);
        using RawClient good = serving.Attach();
        good.Write(0, content);
        using RawClient lazy = serving.Attach();
        // All in one piece, which fits into the socket however little of it is taken.
        ulong[] cookies = lazy.RequestMany(1000, Command.Read, 0, 1 << 20);
        for (int i = 0; i < 500; i++)
            Content.AssertSame(content.AsSpan(i * 1000, 65536), good.Read(i * 1000, 65536), "what the good client reads");
        // What waits, what is in the socket, and what was being written.
        CommandActivity reads = serving.Export.GetActivity(RequestKind.Read);
        Assert.InRange(reads.Bytes - 500 * 65536, 0, MaxReplies + (2 << 20));
        foreach (ulong cookie in cookies[..50])
            Content.AssertSame(content, lazy.TakeAnswer(cookie, Command.Read, 0, 1 << 20).Data, "what the lazy client takes at last");
    }

    [Fact]
    public void A_client_that_says_it_goes_still_gets_what_it_asked_for()
    {
        foreach (NbdExport export in _serving.Exports)
        {
            using RawClient client = _serving.Attach(export.Name);
            client.Write(0, Content.Compressible(100_000, 1));
            ulong cookie = client.Request(Command.Read, 0, 100_000);
            client.Send(Wire.Request(Command.Disconnect, 0, 0, 0, 0));
            Assert.Equal(Content.Compressible(100_000, 1), client.TakeAnswer(cookie, Command.Read, 0, 100_000).Data);
            client.AssertClosed();
        }
    }

    [Fact]
    public void A_client_that_closes_its_side_still_gets_what_it_asked_for()
    {
        foreach (NbdExport export in _serving.Exports)
        {
            using RawClient client = _serving.Attach(export.Name, structured: false);
            client.Write(0, Content.Compressible(3 << 20, 1));
            ulong cookie = client.Request(Command.Read, 0, 3 << 20);
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Equal(Content.Compressible(3 << 20, 1), client.TakeAnswer(cookie, Command.Read, 0, 3 << 20).Data);
            client.AssertClosed();
        }
    }

    [Fact]
    public async Task A_server_that_ends_answers_what_is_under_way_and_takes_no_more()
    {
        using RawClient idle = _serving.Attach("lz4");
        using RawClient half = _serving.Attach("lz4");
        using RawClient negotiating = RawClient.Greet(_serving.Unix);
        byte[] content = Content.Compressible(8192, 1);
        ulong cookie = half.Request(Command.Write, 0, 8192, payload: content[..5000]);
        // Pages are stored as they come, so that the half that has arrived can be seen.
        Serving.Until(() => idle.Read(0, 4096).AsSpan().SequenceEqual(content.AsSpan(0, 4096)), "the first page");
        Task stopped = _serving.Server.StopAsync(RawClient.Patience);
        idle.AssertClosed();
        negotiating.AssertClosed();
        Assert.False(stopped.IsCompleted);
        half.Send(content[5000..]);
        Assert.Equal(Errno.None, half.TakeAnswer(cookie, Command.Write, 0, 8192).Error);
        half.AssertClosed();
        await stopped;
        Assert.False(File.Exists(_serving.SocketPath));
    }
}
