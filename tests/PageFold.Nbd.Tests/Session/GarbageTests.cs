using System.Net.Sockets;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Random bytes and changed streams: the server answers what makes sense and nothing else, and goes on serving others.</summary>
public sealed class GarbageTests : IDisposable
{
    private static readonly Gen<byte[]> Options = Gen.OneOf(
        Gen.Const(Wire.Option(Option.StructuredReply, [])),
        Gen.Const(Wire.Option(Option.List, [])),
        Gen.Const(Wire.Option(Option.Info, Wire.Info("prey", 1, 2, 3))),
        Gen.Const(Wire.Option(Option.Info, Wire.Info("absent"))),
        Gen.Const(Wire.Option(Option.ListMetaContext, Wire.Contexts("prey"))),
        Gen.Const(Wire.Option(Option.SetMetaContext, Wire.Contexts("prey", "base:allocation", "pagefold:residency"))),
        Gen.Const(Wire.Option(Option.StartTls, [])),
        Gen.Select(Gen.UInt[0, 20], Gen.Byte.Array[0, 40]).Select(Wire.Option));

    private static readonly Gen<byte[]> Choices = Gen.OneOf(
        Gen.Const(Wire.Option(Option.Go, Wire.Info("prey"))),
        Gen.Const(Wire.Option(Option.Go, Wire.Info("prey", 3))),
        Gen.Const(Wire.Option(Option.ExportName, "prey"u8.ToArray())));

    private static readonly Gen<byte[]> Requests = Gen.Select(
            Gen.Int[0, 8], Gen.Int[0, 31], Gen.ULong, Gen.ULong[0, 1 << 20], Gen.UInt[0, 20_000], Gen.Int[0, 3])
        .Select((command, flags, cookie, offset, length, plain) =>
            (byte[])[.. Wire.Request(command == Command.Disconnect ? Command.Flush : command, plain > 0 ? 0 : flags, cookie, offset,
                length), .. new byte[command == Command.Write ? length : 0]]);

    private static readonly Gen<byte[]> Streams = Gen.Select(Options.Array[0, 6], Choices, Requests.Array[0, 8], Gen.UInt[1, 3])
        .Select((options, choice, requests, flags) => (byte[])[.. Wire.U32(flags), .. options.SelectMany(o => o), .. choice,
            .. requests.SelectMany(r => r)]);

    private readonly Serving _serving = new(
        [new NbdExport { Name = "kept", Disk = TestDisk.Make() }, new NbdExport { Name = "prey", Disk = TestDisk.Make() }]);
    private readonly Neighbour _neighbour;

    public GarbageTests() => _neighbour = new Neighbour(_serving, "kept");

    public void Dispose()
    {
        _neighbour.Dispose();
        _serving.Dispose();
    }

    [Fact]
    public void Noise_instead_of_options_is_not_answered() =>
        Gen.Byte.Array[0, 300].Sample(noise => Exchange([.. Wire.U32(3), .. noise]), iter: Rounds.Of(120), threads: 1);

    [Fact]
    public void Noise_behind_an_options_head_is_answered_as_the_option_wants() =>
        Gen.Select(Gen.UInt[0, 11], Gen.Byte.Array[0, 60]).Array[1, 5].Sample(
            options => Exchange([.. Wire.U32(3), .. options.SelectMany(option => Wire.Option(option.Item1, option.Item2))]),
            iter: Rounds.Of(200), threads: 1);

    [Fact]
    public void Noise_instead_of_requests_is_not_answered() =>
        Gen.Byte.Array[0, 300].Sample(noise => Exchange([.. Wire.U32(3), .. Wire.Option(Option.Go, Wire.Info("prey")), .. noise]),
            iter: Rounds.Of(120), threads: 1);

    [Fact]
    public void Noise_behind_a_requests_magic_number_is_answered_as_a_request() =>
        Gen.Byte.Array[24].Array[1, 6].Sample(requests =>
            Exchange([.. Wire.U32(3), .. Wire.Option(Option.Go, Wire.Info("prey")), .. requests.SelectMany(request =>
                (byte[])[.. Wire.U32(Wire.RequestMagic), .. request])]), iter: Rounds.Of(200), threads: 1);

    /// <summary>What the campaign <c>fuzz</c> starts from, and what it has found.</summary>
    [Fact]
    public void Every_stream_of_the_corpus_is_answered_as_far_as_it_makes_sense()
    {
        string? root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root!, "PageFold.slnx")))
            root = Path.GetDirectoryName(root);
        string[] files = Directory.GetFiles(Path.Combine(root!, "tests", "corpus", "nbd"));
        Assert.True(files.Length >= 6, $"{files.Length} streams");
        Assert.All(files, file => Exchange(File.ReadAllBytes(file)));
    }

    [Fact]
    public void A_valid_stream_is_answered_to_its_end() => Streams.Sample(Exchange, iter: Rounds.Of(120), threads: 1);

    [Fact]
    public void A_changed_stream_is_answered_as_far_as_it_makes_sense() =>
        Gen.Select(Streams, Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, 4], Gen.Byte).Array[1, 4]).Sample((stream, changes) =>
        {
            foreach ((int where, int how, byte value) in changes)
            {
                int at = where % stream.Length;
                stream = how switch
                {
                    // A stream that ends in the middle of its flags is none.
                    0 when stream.Length > 5 => [.. stream[..at], .. stream[(at + 1)..]],
                    1 => [.. stream[..at], value, .. stream[at..]],
                    2 => stream[..Math.Max(at, 5)],
                    _ => [.. stream[..at], value, .. stream[(at + 1)..]],
                };
            }
            Exchange(stream);
        }, iter: Rounds.Of(350), threads: 1);

    /// <summary>Sends bytes in pieces, closes the sending side, takes all that comes, and checks it.</summary>
    private void Exchange(byte[] stream)
    {
        using RawClient client = new(_serving.Unix);
        Task<byte[]> answered = Task.Factory.StartNew(
            client.TakeToTheEnd, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            int cut = stream.Length / 3;
            client.Send(stream[..cut]);
            client.Send(stream[cut..]);
            client.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // It has been closed already, rightly or not: the transcript will tell.
        }
        new Transcript(stream, answered.Result).Check();
    }
}
