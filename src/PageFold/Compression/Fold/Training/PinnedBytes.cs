using System.Buffers;

namespace PageFold.Compression.Fold.Training;

/// <summary>Bytes at a fixed address, for code that takes memory.</summary>
/// <remarks>The owner keeps the bytes where they are until none of that memory is used any more.</remarks>
internal sealed unsafe class PinnedBytes(byte* start, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => new(start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
