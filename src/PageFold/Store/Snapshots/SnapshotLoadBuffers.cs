using System.IO.Hashing;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>
/// What one thread needs to load a snapshot: a window on a chunk's records, a page, and contexts for codecs that the store does not have,
/// each when it is met.
/// </summary>
/// <remarks>
/// A window as long as the longest chunk holds a chunk as a whole. A shorter one passes over the chunk's records; what it shows is read a
/// second time, after the chunk was checked, so it is hashed again.
/// </remarks>
internal sealed class SnapshotLoadBuffers : IDisposable
{
    private readonly ChargedContext[] _contexts = new ChargedContext[PageWord.MaxCodecs];
    private readonly XxHash3 _hash = new();
    private readonly MemoryBudget _budget;
    private readonly MemoryBudget _owner;
    private readonly NativeBuffer _memory;
    private readonly int _pageSize;
    private SnapshotChunk _chunk;
    private bool _isWhole;

    // Where the window's records begin and end in the buffer, and how much of the chunk has been read.
    private int _begin;
    private int _end;
    private int _read;

    private SnapshotLoadBuffers(MemoryBudget budget, MemoryBudget owner, NativeBuffer memory, int pageSize)
    {
        _budget = budget;
        _owner = owner;
        _memory = memory;
        _pageSize = pageSize;
    }

    /// <summary>Room for a decompressed page.</summary>
    public Span<byte> Page => _memory.Span[^_pageSize..];

    /// <summary>Where the next record is in the file.</summary>
    public long Offset => _chunk.Offset + _read - (_end - _begin);

    private Span<byte> Window => _memory.Span[..^_pageSize];

    /// <summary>Bytes of buffers that hold a chunk as a whole.</summary>
    public static int LargeBytes(int pageSize) => SnapshotFormat.ChunkBytes + pageSize;

    /// <summary>Makes room for a window and a page; null when there is no memory for it.</summary>
    /// <param name="budget">What contexts are charged to.</param>
    /// <param name="memory">Where the buffer comes from; at least <see cref="SnapshotMemory.SmallBytes"/>.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    public static SnapshotLoadBuffers? TryMake(MemoryBudget budget, SnapshotMemory memory, int pageSize) =>
        NativeBuffer.TryAllocate(memory.Budget, memory.BufferBytes, out NativeBuffer buffer)
            ? new SnapshotLoadBuffers(budget, memory.Budget, buffer, pageSize)
            : null;

    /// <summary>Goes on to the next chunk, which is checked first; false after the last.</summary>
    public bool TryReadChunk(SnapshotReader reader, out SnapshotChunk chunk)
    {
        bool any = reader.TryReadChunk(Window, out chunk);
        _chunk = chunk;
        _isWhole = chunk.Length <= Window.Length;
        _begin = 0;
        _end = _read = _isWhole ? chunk.Length : 0;
        _hash.Reset();
        return any;
    }

    /// <summary>True if there are more records in the chunk. What the last record's bytes were may be gone then.</summary>
    public bool HasMore(SnapshotReader reader)
    {
        int held = _end - _begin;
        if (_read < _chunk.Length && held < SnapshotFormat.RecordHeaderBytes + _pageSize)
            Refill(reader, held);
        return _end > _begin;
    }

    /// <summary>Reads the next record; false, and why, if it is none.</summary>
    public bool TryReadRecord(out uint page, out StoredPage form, out ReadOnlySpan<byte> bytes, out string? problem) =>
        SnapshotFormat.TryReadRecord(Window[.._end], ref _begin, _pageSize, out page, out form, out bytes, out problem);

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
        _memory.Free(_owner);
    }

    private void Refill(SnapshotReader reader, int held)
    {
        Window[_begin.._end].CopyTo(Window);
        Span<byte> more = Window[held..];
        more = more[..Math.Min(more.Length, _chunk.Length - _read)];
        reader.Read(more, _chunk.Offset + _read);
        _hash.Append(more);
        _read += more.Length;
        _begin = 0;
        _end = held + more.Length;
        if (_read == _chunk.Length && _hash.GetCurrentHashAsUInt64() != _chunk.Hash)
            reader.Damaged(_chunk.Offset, "a chunk has changed while the file was read");
    }
}
