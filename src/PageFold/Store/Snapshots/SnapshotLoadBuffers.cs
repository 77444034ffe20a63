using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// What one thread needs to load a snapshot: a chunk, a page, and contexts for the snapshot's codecs, each when it is met.
/// </summary>
internal sealed class SnapshotLoadBuffers : IDisposable
{
    private readonly ChargedContext[] _contexts = new ChargedContext[PageWord.MaxCodecs];
    private readonly MemoryBudget _budget;
    private readonly NativeBuffer _memory;
    private readonly int _pageSize;

    private SnapshotLoadBuffers(MemoryBudget budget, NativeBuffer memory, int pageSize)
    {
        _budget = budget;
        _memory = memory;
        _pageSize = pageSize;
    }

    public Span<byte> Chunk => _memory.Span[..SnapshotFormat.ChunkBytes];

    public Span<byte> Page => _memory.Span[SnapshotFormat.ChunkBytes..];

    /// <summary>Makes room for a chunk and a page; null when there is no memory for it.</summary>
    public static SnapshotLoadBuffers? TryMake(MemoryBudget budget, int pageSize) =>
        NativeBuffer.TryAllocate(budget, SnapshotFormat.ChunkBytes + pageSize, out NativeBuffer memory)
            ? new SnapshotLoadBuffers(budget, memory, pageSize)
            : null;

    public PageCodecContext? Context(int number) => _contexts[number].Context;

    /// <summary>Makes a context; null when there is no memory for it.</summary>
    /// <param name="number">The codec's number in the snapshot.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="bytes">Bytes that the context takes, or would take.</param>
    public PageCodecContext? TryMakeContext(int number, PageCodec codec, out long bytes)
    {
        bytes = 0;
        return ChargedContext.TryMake(_budget, codec, _pageSize, ref bytes, out _contexts[number]) ? _contexts[number].Context : null;
    }

    public void Dispose()
    {
        foreach (ChargedContext context in _contexts)
            context.Free(_budget);
        _memory.Free(_budget);
    }
}
