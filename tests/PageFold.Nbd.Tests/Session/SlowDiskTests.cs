using PageFold.Nbd.Session;

namespace PageFold.Nbd.Tests.Session;

/// <summary>A disk whose pages take long to read: what is quick is answered first.</summary>
public class SlowDiskTests
{
    private const int Page = 65536;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_quick_overtakes_what_is_slow(bool structured)
    {
        HalvingCodec codec = new("slow");
        using Serving serving = new(TestDisk.Make(8 << 20, Page, codec));
        using RawClient client = serving.Attach(structured: structured);
        byte[] content = HalvingCodec.Content(Page, 16, 1);
        client.Write(0, content);
        codec.Gate.Reset();
        // One, so that whatever else the store has to do finds a place to do it.
        ulong slow = client.Request(Command.Read, 0, 2 * Page);
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        Assert.Equal(new byte[10_000], client.Read(4 << 20, 10_000));
        // A reply of many pieces that must stay together, and is quick.
        Assert.Equal(new byte[2 << 20], client.Read(4 << 20, 2 << 20, structured ? Flag.DontFragment : 0));
        Assert.Equal(Errno.None, client.Do(Command.Trim, 5 << 20, 1 << 20).Error);
        codec.Gate.Set();
        Content.AssertSame(content.AsSpan(0, 2 * Page), client.TakeAnswer(slow, Command.Read, 0, 2 * Page).Data, "the slow read");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pages_of_a_codec_that_says_it_is_fast_are_read_on_the_thread_of_the_connection(bool isFast)
    {
        const int Small = 4096;
        HalvingCodec codec = new("own", isFast);
        using Serving serving = new(TestDisk.Make(8 << 20, Small, codec));
        using RawClient client = serving.Attach();
        byte[] content = HalvingCodec.Content(Small, 4, 1);
        client.Write(0, content);
        Content.AssertSame(content, client.Read(0, 4 * Small), "the content");
        Assert.Equal(4, codec.Decompressed.Count);
        Assert.All(codec.Decompressed, thread => Assert.Equal(isFast, thread == "nbd connection"));
    }

    [Fact]
    public void What_is_slow_waits_for_the_end_of_a_reply_that_has_to_stay_whole()
    {
        const int Whole = 24 << 20;
        HalvingCodec codec = new("slow");
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make(32 << 20, Page, codec) }], maxReplyBytes: ReplyQueue.BlockBytes);
        using RawClient client = serving.Attach(structured: false);
        byte[] content = HalvingCodec.Content(Page, 2, 1);
        client.Write(0, content);
        codec.Gate.Reset();
        ulong slow = client.Request(Command.Read, 0, 2 * Page);
        ulong whole = client.Request(Command.Read, 4 << 20, Whole);
        // More than fits on the way to a client that takes nothing, so its end is not there yet when the slow one is ready.
        Serving.Until(() => client.Socket.Available > 0, "the beginning of the whole reply");
        codec.Gate.Set();
        Serving.Until(() => codec.Decompressed.Count == 2, "the slow read");
        Assert.True(client.TakeAnswer(whole, Command.Read, 4 << 20, Whole).Data.AsSpan().IndexOfAnyExcept((byte)0) < 0);
        Content.AssertSame(content, client.TakeAnswer(slow, Command.Read, 0, 2 * Page).Data, "the slow read");
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
    }

    [Fact]
    public void What_is_slow_is_not_sent_behind_a_whole_reply_that_cannot_go_on()
    {
        const int Whole = 24 << 20;
        HalvingCodec codec = new("slow");
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make(32 << 20, Page, codec) }], maxReplyBytes: ReplyQueue.BlockBytes);
        using RawClient client = serving.Attach(structured: false);
        client.Write(0, HalvingCodec.Content(Page, 2, 1));
        client.Write((4 << 20) + Whole - Page, HalvingCodec.Content(Page, 1, 2, HalvingCodec.Damaged));
        codec.Gate.Reset();
        client.Request(Command.Read, 0, 2 * Page);
        client.Request(Command.Read, 4 << 20, Whole);
        Serving.Until(() => client.Socket.Available > 0, "the beginning of the whole reply");
        codec.Gate.Set();
        Serving.Until(() => codec.Decompressed.Count >= 2, "the slow read");
        // The head, and zeros up to the page that is damaged; the client would take whatever follows for that page.
        byte[] came = client.TakeToTheEnd();
        Assert.Equal(16 + Whole - Page, came.Length);
        Assert.True(came.AsSpan(16).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void Another_client_is_not_held_up()
    {
        HalvingCodec codec = new("slow");
        using Serving serving = new(TestDisk.Make(8 << 20, Page, codec));
        using RawClient client = serving.Attach();
        using RawClient other = serving.Attach();
        client.Write(0, HalvingCodec.Content(Page, 2, 1));
        codec.Gate.Reset();
        ulong slow = client.Request(Command.Read, 0, 2 * Page);
        other.Write(4 << 20, new byte[Page]);
        Assert.Equal(new byte[Page], other.Read(4 << 20, Page));
        codec.Gate.Set();
        Content.AssertSame(HalvingCodec.Content(Page, 2, 1), client.TakeAnswer(slow, Command.Read, 0, 2 * Page).Data, "the slow read");
    }

    [Fact]
    public void Many_slow_requests_of_several_clients_leave_room_for_quick_ones()
    {
        const int Clients = 16;
        HalvingCodec codec = new("slow");
        using Serving serving = new(TestDisk.Make(8 << 20, Page, codec));
        using RawClient quick = serving.Attach();
        byte[] content = HalvingCodec.Content(Page, Clients, 1);
        quick.Write(0, content);
        codec.Gate.Reset();
        // More slow reads than the store has places to work on; what is quick needs one too.
        RawClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => serving.Attach())];
        ulong[] cookies = [.. clients.Select((client, number) => client.Request(Command.Read, (ulong)(number * Page), Page))];
        Assert.Equal(new byte[2 << 20], quick.Read(4 << 20, 2 << 20));
        Assert.Equal(Errno.None, quick.Do(Command.Trim, 5 << 20, 1 << 20).Error);
        codec.Gate.Set();
        for (int number = 0; number < Clients; number++)
        {
            Content.AssertSame(content.AsSpan(number * Page, Page), clients[number]
                .TakeAnswer(cookies[number], Command.Read, (ulong)(number * Page), Page).Data, "a slow read");
            clients[number].Dispose();
        }
    }

    [Fact]
    public void Replies_that_are_due_are_sent_though_the_client_says_it_goes()
    {
        HalvingCodec codec = new("slow");
        using Serving serving = new(TestDisk.Make(8 << 20, Page, codec));
        using RawClient client = serving.Attach();
        client.Write(0, HalvingCodec.Content(Page, 2, 1));
        codec.Gate.Reset();
        ulong slow = client.Request(Command.Read, 0, 2 * Page);
        client.Send(Wire.Request(Command.Disconnect, 0, 0, 0, 0));
        codec.Gate.Set();
        Content.AssertSame(HalvingCodec.Content(Page, 2, 1), client.TakeAnswer(slow, Command.Read, 0, 2 * Page).Data, "the slow read");
        client.AssertClosed();
    }
}
