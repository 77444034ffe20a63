namespace PageFold.Cli.Bench.Layers;

/// <summary>A codec that takes no time: it knows the compressed size of each page of an image and compresses nothing.</summary>
/// <remarks>The caller sets which page comes next. The time of a store with this codec is the store's own.</remarks>
internal sealed class InstantCodec(int[] sizes) : PageCodec
{
    private readonly int[] _sizes = sizes;

    public override string Name => "instant";

    /// <summary>The page of the image that is compressed next.</summary>
    public int Next { get; set; }

    public override int MaxCompressedLength(int pageSize) => _sizes.Max();

    public override PageCodecContext CreateContext(int pageSize) => new Context(this);

    private sealed class Context(InstantCodec codec) : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            written = codec._sizes[codec.Next];
            return true;
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => true;
    }
}
