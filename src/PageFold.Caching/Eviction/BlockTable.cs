using System.Diagnostics;
using System.Numerics;

namespace PageFold.Caching.Eviction;

/// <summary>A table of equal blocks that a hash addresses and that grows and shrinks by one block at a time.</summary>
/// <remarks>
/// <para>
/// This is linear hashing (Litwin, VLDB 1980). With 2^L to 2^(L+1) - 1 blocks, a hash addresses the block of its L + 1 low bits, or of its
/// L low bits if that block does not exist yet. Growing splits one block: the keys of block i go to i and i + 2^L. The owner of the table
/// copies what both need.
/// </para>
/// <para>The blocks lie in segments of 4 KiB, so that neither growth nor shrinking copies the table, doubles its memory or pauses. Not
/// thread-safe.</para>
/// </remarks>
internal sealed unsafe class BlockTable : IDisposable
{
    /// <summary>Bytes of a segment.</summary>
    public const int SegmentBytes = 4096;

    private readonly CacheMemory _memory;
    private readonly int _blockShift;
    private readonly int _blocksShift;
    private readonly int _segmentBytes;
    private byte** _segments;
    private int _segmentRoom;
    private int _segmentCount;
    private uint _mask;

    /// <summary>Makes an empty table.</summary>
    /// <param name="memory">Where the segments come from.</param>
    /// <param name="blockBytes">Bytes of a block, a power of two.</param>
    /// <param name="segmentBytes">Bytes of a segment, a power of two; less than <see cref="SegmentBytes"/> for a table that stays
    /// small.</param>
    public BlockTable(CacheMemory memory, int blockBytes, int segmentBytes = SegmentBytes)
    {
        Debug.Assert(BitOperations.IsPow2(blockBytes) && BitOperations.IsPow2(segmentBytes) && blockBytes <= segmentBytes);
        _memory = memory;
        _segmentBytes = segmentBytes;
        _blockShift = BitOperations.Log2((uint)blockBytes);
        _blocksShift = BitOperations.Log2((uint)(segmentBytes / blockBytes));
    }

    /// <summary>Gets the number of blocks.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the bytes that the table holds.</summary>
    public long HeldBytes => ((long)_segmentCount * _segmentBytes) + ((long)_segmentRoom * sizeof(byte*));

    /// <summary>Gets a block by its number.</summary>
    public byte* this[int index] =>
        _segments[index >> _blocksShift] + ((long)(index & ((1 << _blocksShift) - 1)) << _blockShift);

    /// <summary>Gets the block that a hash addresses; the table must have a block.</summary>
    public byte* Find(uint hash)
    {
        uint index = hash & _mask;
        if (index >= (uint)Count)
            index &= _mask >> 1;
        return this[(int)index];
    }

    /// <summary>Adds a block at the end, which may hold bytes of an earlier one; false when memory is refused.</summary>
    /// <param name="split">The block that shares its keys with the new one; the new one itself if it is the first.</param>
    public bool TryGrow(out int split)
    {
        split = 0;
        if (Count >> _blocksShift == _segmentCount && !TryAddSegment())
            return false;
        int added = Count++;
        _mask = Count == 1 ? 0 : BitOperations.RoundUpToPowerOf2((uint)Count) - 1;
        split = added & (int)(_mask >> 1);
        return true;
    }

    /// <summary>Removes the last block after the caller merged it into the one that <see cref="Sibling"/> names.</summary>
    public void Shrink()
    {
        Count--;
        _mask = Count <= 1 ? 0 : BitOperations.RoundUpToPowerOf2((uint)Count) - 1;
        // One empty segment stays, so that a table whose size swings about a segment's end does not take and give it all the time.
        if ((Count >> _blocksShift) + 2 <= _segmentCount)
            _memory.Free(_segments[--_segmentCount], _segmentBytes);
    }

    /// <summary>
    /// Gets the number of the block that takes over the keys of the last one when the table shrinks; there must be two blocks.
    /// </summary>
    public int Sibling => (Count - 1) & (int)(_mask >> 1);

    /// <summary>Gives all memory back; the table is empty then.</summary>
    public void Dispose()
    {
        while (_segmentCount > 0)
            _memory.Free(_segments[--_segmentCount], _segmentBytes);
        if (_segments != null)
            _memory.Free((byte*)_segments, (long)_segmentRoom * sizeof(byte*));
        _segments = null;
        _segmentRoom = 0;
        Count = 0;
        _mask = 0;
    }

    private bool TryAddSegment()
    {
        if (_segmentCount == _segmentRoom && !TryWidenDirectory())
            return false;
        byte* segment = _memory.TryAllocate(_segmentBytes);
        if (segment == null)
            return false;
        _segments[_segmentCount++] = segment;
        return true;
    }

    private bool TryWidenDirectory()
    {
        int room = Math.Max(8, _segmentRoom * 2);
        byte** wider = (byte**)_memory.TryAllocate((long)room * sizeof(byte*));
        if (wider == null)
            return false;
        if (_segments != null)
        {
            new ReadOnlySpan<nint>(_segments, _segmentCount).CopyTo(new Span<nint>(wider, room));
            _memory.Free((byte*)_segments, (long)_segmentRoom * sizeof(byte*));
        }
        _segments = wider;
        _segmentRoom = room;
        return true;
    }
}
