using K4os.Compression.LZ4;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>LZ4 by K4os.Compression.LZ4, for comparisons.</summary>
internal sealed class K4osLz4Codec : PageCodec
{
    public override string Name => "lz4-managed";

    public override string Implementation => "K4os.Compression.LZ4 " + typeof(LZ4Codec).Assembly.GetName().Version!.ToString(3);

    public override int MaxCompressedLength(int pageSize) => LZ4Codec.MaximumOutputSize(pageSize);

    public override PageCodecContext CreateContext(int pageSize) => new Context();

    private sealed class Context : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            written = Math.Max(0, LZ4Codec.Encode(page, destination));
            return written > 0;
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => LZ4Codec.Decode(source, page) == page.Length;
    }
}
