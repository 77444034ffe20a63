namespace PageFold.Compression;

/// <summary>No compression: no page fits a smaller buffer, so every page is stored raw.</summary>
internal sealed class NoneCodec : PageCodec
{
    public override string Name => "none";

    public override bool IsFast => true;

    public override int MaxCompressedLength(int pageSize) => pageSize;

    public override PageCodecContext CreateContext(int pageSize) => new Context();

    internal override CodecDescription Describe(int pageSize) => new(Name, 0, default);

    private sealed class Context : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            bool fits = page.TryCopyTo(destination);
            written = fits ? page.Length : 0;
            return fits;
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) =>
            source.Length == page.Length && source.TryCopyTo(page);
    }
}
