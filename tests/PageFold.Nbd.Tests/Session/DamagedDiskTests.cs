namespace PageFold.Nbd.Tests.Session;

/// <summary>A page that cannot be read is an input or output error; the connection ends only where a reply has already begun.</summary>
public class DamagedDiskTests
{
    private const uint InputOutput = 5;

    [Theory]
    [InlineData("lz4, as it were", 4096, true)]
    [InlineData("lz4, as it were", 4096, false)]
    [InlineData("slow", 4096, true)]
    [InlineData("slow", 4096, false)]
    [InlineData("slow", 65536, true)]
    [InlineData("slow", 65536, false)]
    public void Each_request_that_has_to_read_it_fails_and_others_do_not(string codec, int page, bool structured)
    {
        using Serving serving = new(TestDisk.Make(64L * page, page, new HalvingCodec(codec)));
        using RawClient client = serving.Attach(structured: structured);
        byte[] good = HalvingCodec.Content(page, 1, 1);
        client.Write(0, good);
        client.Write(page, HalvingCodec.Content(page, 1, 2, HalvingCodec.Damaged));
        client.Write(2 * page, good);
        Assert.Equal(InputOutput, client.Do(Command.Read, (ulong)page, (uint)page).Error);
        Assert.Equal(InputOutput, client.Do(Command.Read, (ulong)page + 10, 10).Error);
        Assert.Equal(InputOutput, client.Do(Command.Write, (ulong)page + 10, 10, payload: new byte[10]).Error);
        Assert.Equal(InputOutput, client.Do(Command.WriteZeroes, (ulong)page + 10, 10).Error);
        Assert.Equal(InputOutput, client.Do(Command.Trim, (ulong)page + 10, 10).Error);
        Assert.Equal(good, client.Read(0, page));
        Assert.Equal(good, client.Read(2 * page, page));
        // A write of the whole page need not read it.
        client.Write(page, good);
        Assert.Equal(good, client.Read(page, page));
        client.Disconnect();
    }

    [Theory]
    [InlineData("lz4, as it were")]
    [InlineData("slow")]
    public void A_read_in_chunks_fails_at_its_end(string codec)
    {
        const int Page = 65536;
        using Serving serving = new(TestDisk.Make(64L * Page, Page, new HalvingCodec(codec)));
        using RawClient client = serving.Attach();
        client.Write(0, HalvingCodec.Content(Page, 8, 1));
        client.Write(5 * Page, HalvingCodec.Content(Page, 1, 2, HalvingCodec.Damaged));
        Answer answer = client.Do(Command.Read, 0, 8 * Page);
        Assert.Equal(InputOutput, answer.Error);
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
    }

    [Fact]
    public void A_reply_that_has_begun_as_good_and_cannot_go_on_ends_the_connection()
    {
        const int Page = 65536;
        using Serving serving = new(TestDisk.Make(64L * Page, Page, new HalvingCodec("slow")));
        using RawClient client = serving.Attach(structured: false);
        client.Write(0, HalvingCodec.Content(Page, 8, 1));
        client.Write(5 * Page, HalvingCodec.Content(Page, 1, 2, HalvingCodec.Damaged));
        client.Request(Command.Read, 0, 8 * Page);
        byte[] came = client.TakeToTheEnd();
        Assert.Equal(16 + 5 * Page, came.Length);
        using RawClient other = serving.Attach();
        Assert.Equal(HalvingCodec.Content(Page, 1, 1), other.Read(0, Page));
    }
}
