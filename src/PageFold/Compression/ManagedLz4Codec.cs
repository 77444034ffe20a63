using K4os.Compression.LZ4;

namespace PageFold.Compression;

/// <summary>LZ4 blocks by K4os.Compression.LZ4.</summary>
/// <remarks>Its hash table is on the stack or in a pool of the library, so a context holds nothing.</remarks>
internal sealed class ManagedLz4Codec(string name) : PageCodec
{
    public override string Name => name;

    public override string Implementation => "K4os.Compression.LZ4 " + typeof(LZ4Codec).Assembly.GetName().Version!.ToString(3);

    public override bool IsFast => true;

    public override int MaxCompressedLength(int pageSize) => LZ4Codec.MaximumOutputSize(pageSize);

    public override PageCodecContext CreateContext(int pageSize) => new Context();

    internal override CodecDescription Describe() => new(Name, 0, default);

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
