using System.Numerics;
using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// Items by number, 0 to 2^32 - 1, in leaves of one frame taken from the arena.
/// </summary>
/// <typeparam name="T">The item, of a power of two of bytes; its all-zero value means "nothing".</typeparam>
/// <remarks>Grows without stopping readers. Finding an item is lock-free. Empty leaves go back by <see cref="TrimEmptyLeaves"/> alone, while nobody looks.</remarks>
internal unsafe class FrameTable<T>(FrameArena arena)
    where T : unmanaged
{
    private const int DirectoryShift = 10;

    private readonly Lock _growth = new();
    private readonly int _leafShift = arena.FrameShift - BitOperations.Log2((uint)sizeof(T));

    // The frame of each leaf plus one; zero where there is none.
    private readonly BlockArray<uint> _leaves = new(arena.Budget, DirectoryShift);
    private long _leafCount;

    /// <summary>Bytes of leaves and of the way to them.</summary>
    public long Bytes => (Volatile.Read(ref _leafCount) << arena.FrameShift) + _leaves.Bytes;

    /// <summary>Leaves there are; a scan of the table looks at each.</summary>
    public long Leaves => Volatile.Read(ref _leafCount);

    /// <summary>Items in a leaf.</summary>
    public uint LeafLength => 1u << _leafShift;

    /// <summary>The item; null if nothing was ever put near it.</summary>
    public T* Find(uint number)
    {
        uint* leaf = _leaves.Find(number >> _leafShift);
        uint frame = leaf is null ? 0 : Volatile.Read(ref *leaf);
        return frame == 0 ? null : (T*)arena.AddressOf(frame - 1) + (number & LeafLength - 1);
    }

    /// <summary>The item, its leaf made if need be; false when there is no memory for it.</summary>
    public bool TryEnsure(uint number, out T* item)
    {
        item = Find(number);
        if (item is not null)
            return true;
        lock (_growth)
        {
            if (!_leaves.TryEnsure(number >> _leafShift, out uint* leaf))
                return false;
            if (*leaf == 0)
            {
                if (!arena.TryAllocateForTable(ReserveUse.None, out uint frame))
                    return false;
                new Span<byte>(arena.AddressOf(frame), arena.FrameSize).Clear();
                _leafCount++;
                Volatile.Write(ref *leaf, frame + 1);
            }
        }
        item = Find(number);
        return true;
    }

    /// <summary>
    /// The lowest number from <paramref name="from"/> to <paramref name="last"/> whose leaf exists; null if there is none.
    /// </summary>
    public uint? NextExisting(uint from, uint last = uint.MaxValue)
    {
        uint leaf = from >> _leafShift;
        uint lastLeaf = last >> _leafShift;
        while (leaf <= lastLeaf && _leaves.NextExisting(leaf) is { } candidate && candidate <= lastLeaf)
        {
            if (Volatile.Read(ref *_leaves.Find(candidate)) != 0)
                return Math.Max(from, candidate << _leafShift);
            leaf = candidate + 1;
        }
        return null;
    }

    /// <summary>Gives back the leaves in which no item is set; nobody else uses an item meanwhile.</summary>
    public void TrimEmptyLeaves()
    {
        uint number = 0;
        while (_leaves.NextExisting(number) is { } candidate)
        {
            uint* leaf = _leaves.Find(candidate);
            if (*leaf != 0 && !new Span<byte>(arena.AddressOf(*leaf - 1), arena.FrameSize).ContainsAnyExcept((byte)0))
            {
                arena.Free(*leaf - 1);
                *leaf = 0;
                _leafCount--;
            }
            number = candidate + 1;
        }
    }

    /// <summary>Gives the way to the leaves back; nobody uses an item any more. The leaves' frames go with the arena.</summary>
    public void Free()
    {
        _leaves.Free();
        _leafCount = 0;
    }
}
