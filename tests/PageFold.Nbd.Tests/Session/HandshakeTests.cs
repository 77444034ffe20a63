using System.Text;

namespace PageFold.Nbd.Tests.Session;

/// <summary>How a client and the server come to an agreement, byte for byte.</summary>
public sealed class HandshakeTests : IDisposable
{
    private const int FlagsAlways = 1 | 1 << 2 | 1 << 3 | 1 << 8 | 1 << 10;
    private const int FlagsOfChange = 1 << 5 | 1 << 6 | 1 << 11;
    private const int FlagReadOnly = 1 << 1;
    private const int FlagDontFragment = 1 << 7;

    private readonly Serving _one = new(TestDisk.Make());
    private readonly Serving _several = new(
    [
        new NbdExport { Name = "first", Description = "holds much", Disk = TestDisk.Make(1 << 20) },
        new NbdExport { Name = "zweite Größe", Disk = TestDisk.Make(512 * 77, pageSize: 16384), ReadOnly = true },
    ]);

    public void Dispose()
    {
        _one.Dispose();
        _several.Dispose();
    }

    [Theory]
    [InlineData("unix", true)]
    [InlineData("unix", false)]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    public void An_export_is_chosen_by_its_name_alone_with_zeros_behind_or_not(string transport, bool noZeroes)
    {
        using RawClient client = RawClient.Greet(_several.At(transport), noZeroes ? 3u : 1u);
        client.Send(Wire.Option(Option.ExportName, Encoding.UTF8.GetBytes("first")));
        byte[] zeros = noZeroes ? [] : new byte[124];
        Assert.Equal([.. Wire.U64(1 << 20), .. Wire.U16(FlagsAlways | FlagsOfChange), .. zeros], client.Take(10 + zeros.Length));
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        client.Disconnect();
    }

    [Theory]
    [InlineData("third")]
    [InlineData("")]
    [InlineData("FIRST")]
    public void A_name_that_is_not_there_ends_a_connection_that_cannot_be_told(string name)
    {
        using RawClient client = RawClient.Greet(_several.Unix);
        client.Send(Wire.Option(Option.ExportName, Encoding.UTF8.GetBytes(name)));
        client.AssertClosed();
    }

    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void Info_tells_without_choosing(string transport)
    {
        using RawClient client = RawClient.Greet(_several.At(transport));
        List<OptionReplied> replies = client.Ask(Option.Info, Wire.Info("zweite Größe", 1, 2, 3, 0, 77));
        Assert.Equal([OptionAnswer.Info, OptionAnswer.Info, OptionAnswer.Info, OptionAnswer.Ack], replies.Select(reply => reply.Type));
        Assert.Equal([.. Wire.U16(0), .. Wire.U64(512 * 77), .. Wire.U16(FlagsAlways | FlagReadOnly)], replies[0].Data);
        Assert.Equal([.. Wire.U16(1), .. Encoding.UTF8.GetBytes("zweite Größe")], replies[1].Data);
        Assert.Equal([.. Wire.U16(3), .. Wire.U32(1), .. Wire.U32(16384), .. Wire.U32(Wire.MaxBytes)], replies[2].Data);
        replies = client.Ask(Option.Info, Wire.Info("first", 2));
        Assert.Equal([.. Wire.U16(2), .. Encoding.UTF8.GetBytes("holds much")], replies[1].Data);
        client.Go("first");
        client.Disconnect();
    }

    [Fact]
    public void Go_tells_at_least_size_and_flags_and_begins()
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        List<OptionReplied> replies = client.Ask(Option.Go, Wire.Info(string.Empty));
        Assert.Equal([OptionAnswer.Info, OptionAnswer.Ack], replies.Select(reply => reply.Type));
        Assert.Equal([.. Wire.U16(0), .. Wire.U64(4 << 20), .. Wire.U16(FlagsAlways | FlagsOfChange)], replies[0].Data);
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
    }

    [Theory]
    [InlineData(false, false, FlagsAlways | FlagsOfChange)]
    [InlineData(false, true, FlagsAlways | FlagsOfChange | FlagDontFragment)]
    [InlineData(true, false, FlagsAlways | FlagReadOnly)]
    [InlineData(true, true, FlagsAlways | FlagReadOnly | FlagDontFragment)]
    public void The_flags_tell_what_can_be_asked_for(bool readOnly, bool structured, int expected)
    {
        using RawClient client = _several.Attach(readOnly ? "zweite Größe" : "first", structured);
        Assert.Equal(expected, client.Flags);
    }

    [Fact]
    public void The_empty_name_is_the_only_export_whatever_its_own_name()
    {
        using Serving named = new([new NbdExport { Name = "named", Disk = TestDisk.Make(1 << 16) }]);
        using RawClient client = named.Attach(string.Empty);
        Assert.Equal(1u << 16, client.Size);
    }

    [Theory]
    [InlineData(Option.Info)]
    [InlineData(Option.Go)]
    public void A_name_that_is_not_there_leaves_the_choice_open(uint option)
    {
        using RawClient client = RawClient.Greet(_several.Unix);
        Assert.Equal(OptionAnswer.Unknown, Assert.Single(client.Ask(option, Wire.Info("third"))).Type);
        Assert.Equal(OptionAnswer.Unknown, Assert.Single(client.Ask(option, Wire.Info(string.Empty))).Type);
        client.Go("first");
    }

    [Fact]
    public void The_list_has_all_names_and_descriptions()
    {
        using RawClient client = RawClient.Greet(_several.Unix);
        List<OptionReplied> replies = client.Ask(Option.List, []);
        Assert.Equal([OptionAnswer.Server, OptionAnswer.Server, OptionAnswer.Ack], replies.Select(reply => reply.Type));
        Assert.Equal([.. Wire.Text("first"), .. Encoding.UTF8.GetBytes("holds much")], replies[0].Data);
        Assert.Equal(Wire.Text("zweite Größe"), replies[1].Data);
    }

    [Fact]
    public void Abort_is_acknowledged_and_ends_the_connection()
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        Assert.Equal(OptionAnswer.Ack, Assert.Single(client.Ask(Option.Abort, [])).Type);
        client.AssertClosed();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    [InlineData(11u)]
    [InlineData(12345u)]
    [InlineData(uint.MaxValue)]
    public void An_unknown_option_is_passed_over(uint option)
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        Assert.Equal(OptionAnswer.Unsupported, Assert.Single(client.Ask(option, [])).Type);
        Assert.Equal(OptionAnswer.Unsupported, Assert.Single(client.Ask(option, new byte[32768])).Type);
        client.Go();
    }

    [Fact]
    public void Without_a_certificate_nothing_is_encrypted()
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        Assert.Equal(OptionAnswer.Policy, Assert.Single(client.Ask(Option.StartTls, [])).Type);
        client.Go();
    }

    [Theory]
    [InlineData(Option.List)]
    [InlineData(Option.StructuredReply)]
    [InlineData(Option.StartTls)]
    public void Data_where_none_belongs_is_invalid(uint option)
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(option, [0])).Type);
        // Nothing was agreed on by it.
        client.Go(structured: false);
        Assert.Equal(0, client.Flags & FlagDontFragment);
    }

    public static TheoryData<string, byte[]> Malformed() => new()
    {
        { "nothing", [] },
        { "a length cut short", [0, 0, 0] },
        { "a name shorter than told", [0, 0, 0, 9, 65, 0, 0] },
        { "a name of 4 GiB", [255, 255, 255, 255, 0, 0] },
        { "no count", [0, 0, 0, 0] },
        { "fewer requests than told", [0, 0, 0, 0, 0, 2, 0, 1] },
        { "more than told", [0, 0, 0, 0, 0, 1, 0, 1, 0] },
        { "a name that is no text", [0, 0, 0, 2, 0xC3, 0x28, 0, 0] },
        { "a name with a zero", [0, 0, 0, 2, 65, 0, 0, 0] },
        { "a name of 4097 bytes", [.. Wire.Text(new string('x', 4097)), 0, 0] },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_data_is_invalid_and_the_client_may_go_on(string what, byte[] data)
    {
        Assert.NotEmpty(what);
        using RawClient client = RawClient.Greet(_one.Unix);
        client.AgreeOnStructuredReplies();
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.Info, data)).Type);
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.Go, data)).Type);
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.SetMetaContext, data)).Type);
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.ListMetaContext, data)).Type);
        client.Go();
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(0x80000000u)]
    [InlineData(7u)]
    public void Client_flags_that_are_not_known_end_the_connection(uint flags)
    {
        using RawClient client = RawClient.Greet(_one.Unix, flags);
        client.AssertClosed();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(16)]
    [InlineData(19)]
    public void A_client_that_leaves_in_the_middle_of_an_option_is_not_answered(int sent)
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        client.Send(Wire.Option(Option.Go, Wire.Info(""))[..sent]);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        client.AssertClosed();
        using RawClient other = _one.Attach();
        Assert.Equal(Errno.None, other.Do(Command.Flush, 0, 0).Error);
    }

    [Fact]
    public void Options_come_to_an_end_some_time()
    {
        using RawClient client = RawClient.Greet(_one.Unix);
        for (int i = 0; i < 1000; i++)
            Assert.Equal(OptionAnswer.Ack, client.Ask(Option.List, [])[^1].Type);
        client.AssertClosed();
    }

    [Fact]
    public void A_client_may_send_everything_at_once()
    {
        byte[] write = Content.Compressible(5000, 3);
        using RawClient client = new(_one.Unix);
        client.Send(
        [
            .. Wire.U32(3), .. Wire.Option(Option.StructuredReply, []), .. Wire.Option(Option.List, []),
                .. Wire.Option(Option.Go, Wire.Info(string.Empty)),
            .. Wire.Request(Command.Write, 0, 1, 700, 5000), .. write, .. Wire.Request(Command.Disconnect, 0, 0, 0, 0),
        ]);
        byte[] all = client.TakeToTheEnd();
        Assert.Equal([.. Wire.U32(Wire.SimpleReplyMagic), .. Wire.U32(0), .. Wire.U64(1)], all[^16..]);
        byte[] read = new byte[5000];
        _one.Disk.Read(700, read);
        Assert.Equal(write, read);
    }

    [Fact]
    public void Bytes_may_come_one_by_one()
    {
        byte[] write = Content.Compressible(600, 3);
        using RawClient client = new(_one.Unix);
        byte[] all =
        [
            .. Wire.U32(3), .. Wire.Option(Option.StructuredReply, []), .. Wire.Option(Option.Go, Wire.Info(string.Empty)),
            .. Wire.Request(Command.Write, 0, 1, 4000, 600), .. write, .. Wire.Request(Command.Disconnect, 0, 0, 0, 0),
        ];
        foreach (byte one in all)
            client.Send(one);
        Assert.Equal([.. Wire.U32(Wire.SimpleReplyMagic), .. Wire.U32(0), .. Wire.U64(1)], client.TakeToTheEnd()[^16..]);
        byte[] read = new byte[600];
        _one.Disk.Read(4000, read);
        Assert.Equal(write, read);
    }
}
