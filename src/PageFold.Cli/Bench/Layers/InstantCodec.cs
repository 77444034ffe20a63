using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Layers;

/// <summary>
/// A codec that takes no time: it knows the compressed size of every page of an image and compresses nothing. What a store costs with it is the store's own.
/// </summary>
internal sealed class InstantCodec(PageImage image, int[] sizes) : PageCodec
{
    public override string Name => "instant";

    // So that the store hands over the page itself, which tells by its address which it is.
    public override bool ToleratesChangingInput => true;

    public override int MaxCompressedLength(int pageSize) => sizes.Max();

    public override PageCodecContext CreateContext(int pageSize) => new Context(image, sizes);

    private sealed class Context(PageImage image, int[] sizes) : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            nint offset = Unsafe.ByteOffset(ref MemoryMarshal.GetReference(image[0]), ref MemoryMarshal.GetReference(page));
            written = sizes[(int)(offset / image.PageSize)];
            return true;
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => true;
    }
}
