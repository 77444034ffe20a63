using System.Buffers;

namespace PageFold.Frames;

/// <summary>A <see cref="NativeBuffer"/> for code that takes memory.</summary>
/// <remarks>The owner frees the buffer when none of that memory is used any more.</remarks>
internal sealed unsafe class BufferMemory(NativeBuffer buffer) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => buffer.Span;

    public override MemoryHandle Pin(int elementIndex = 0) => new(buffer.Pointer + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
