namespace PageFold.Nbd.Tests.Session;

/// <summary>A page that cannot be read is an input or output error; the connection ends only where a reply has already begun.</summary>
public class DamagedDiskTests
{
    private const uint InputOutput = 5;

    [Theory]
    [InlineData(true, 4096, true)]
    [InlineData(true, 4096, false)]
    [InlineData(false, 4096, true)]
    [InlineData(false, 4096, false)]
    [InlineData(false, 65536, true)]
    [InlineData(false, 65536, false)]
    public void Each_request_that_has_to_read_it_fails_and_others_do_not(bool isFast, int page, bool structured)
    {
        using Serving serving = new(TestDisk.Make(64L * page, page, new HalvingCodec("own", isFast)));
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
    [InlineData(true, 4096)]
    [InlineData(false, 4096)]
    [InlineData(false, 65536)]
    public void A_read_in_chunks_fails_at_its_end(bool isFast, int page)
    {
        const int Part = 65536;
        using Serving serving = new(TestDisk.Make(64 * Part, page, new HalvingCodec("own", isFast)));
        using RawClient client = serving.Attach();
        client.Write(0, HalvingCodec.Content(page, 8 * Part / page, 1));
        client.Write(5 * Part, HalvingCodec.Content(page, 1, 2, HalvingCodec.Damaged));
        Answer answer = client.Do(Command.Read, 0, 8 * Part);
        Assert.Equal(InputOutput, answer.Error);
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
    }

    [Theory]
    [InlineData(true, 4096)]
    [InlineData(false, 4096)]
    [InlineData(false, 65536)]
    public void A_codec_that_throws_ends_the_connection_with_its_reason_and_no_other(bool isFast, int page)
    {
        using Serving serving = new(TestDisk.Make(64L * page, page, new ThrowingCodec(isFast)));
        using RawClient client = serving.Attach();
        using RawClient other = serving.Attach();
        client.Write(0, HalvingCodec.Content(page, 1, 1));
        client.Request(Command.Read, 0, (uint)page);
        client.AssertClosed();
        Serving.Until(() => serving.Log.Any(line => line.Contains("InvalidTimeZoneException: Thrown", StringComparison.Ordinal)),
            "the reason");
        other.Write(page, new byte[page]);
        Assert.Equal(new byte[page], other.Read(page, page));
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

    /// <summary>Compresses pages whose halves are equal, and throws what no codec should where it is to decompress one.</summary>
    private sealed class ThrowingCodec(bool isFast) : PageCodec
    {
        private readonly HalvingCodec _halving = new("halving");

        public override string Name => "throwing";

        public override bool IsFast => isFast;

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => new Context(_halving.CreateContext(pageSize));

        private sealed class Context(PageCodecContext inner) : PageCodecContext
        {
            public override long Bytes => inner.Bytes;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written) =>
                inner.TryCompress(page, destination, out written);

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) =>
                throw new InvalidTimeZoneException("Thrown by a codec.");

            protected override void Dispose(bool disposing)
            {
                inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
