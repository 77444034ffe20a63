using PageFold.Frames;

namespace PageFold.Store.Snapshots;

/// <summary>
/// A chunk of a snapshot while it fills with records. One at a time uses it; who that is, <see cref="PreservedPages"/> says.
/// </summary>
internal sealed class RecordBuffer
{
    private readonly NativeBuffer _memory;
    private readonly int _maxRecordBytes;
    private int _length = SnapshotFormat.ChunkHeaderBytes;

    private RecordBuffer(NativeBuffer memory, int pageSize)
    {
        _memory = memory;
        _maxRecordBytes = SnapshotFormat.RecordHeaderBytes + pageSize;
    }

    public int Records { get; private set; }

    /// <summary>Stored bytes of the records' pages; words count as none.</summary>
    public long StoredBytes { get; private set; }

    /// <summary>True if any page fits.</summary>
    public bool HasRoom => _memory.Length - _length >= _maxRecordBytes;

    /// <summary>Where the next record goes.</summary>
    public Span<byte> Room => _memory.Span[_length..];

    /// <summary>Room for the chunk's header and the records.</summary>
    public Span<byte> Chunk => _memory.Span[.._length];

    public ReadOnlySpan<byte> Payload => Chunk[SnapshotFormat.ChunkHeaderBytes..];

    /// <summary>An empty buffer; null when there is no memory for it.</summary>
    public static RecordBuffer? TryMake(SnapshotMemory memory, int pageSize) =>
        NativeBuffer.TryAllocate(memory.Budget, memory.BufferBytes, out NativeBuffer buffer) ? new RecordBuffer(buffer, pageSize) : null;

    /// <summary>Counts a record that was put where <see cref="Room"/> begins.</summary>
    public void Add(int length, int storedBytes)
    {
        _length += length;
        StoredBytes += storedBytes;
        Records++;
    }

    public void Clear()
    {
        _length = SnapshotFormat.ChunkHeaderBytes;
        Records = 0;
        StoredBytes = 0;
    }

    public void Free(MemoryBudget budget) => _memory.Free(budget);
}
