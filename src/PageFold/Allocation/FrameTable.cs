using System.Numerics;
using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>A table of items by number, 0 to 2^32 - 1, in leaves of one arena frame each.</summary>
/// <typeparam name="T">The item, whose size is a power of two; its all-zero value means "nothing".</typeparam>
/// <remarks>
/// The table grows without stopping readers. Finding an item is lock-free. Only <see cref="TrimEmptyLeaves"/> and <see cref="Drop"/> free
/// leaves, and with them blocks of the directory, while no other thread uses the table.
/// </remarks>
internal unsafe class FrameTable<T>(FrameArena arena)
    where T : unmanaged
{
    private const int DirectoryShift = 10;

    private readonly Lock _growth = new();
    private readonly int _leafShift = arena.FrameShift - BitOperations.Log2((uint)sizeof(T));

    // The frame of each leaf plus one; zero without leaf; negative: the complement of the note of a dropped leaf.
    private readonly BlockArray<int> _leaves = new(arena.Budget, DirectoryShift);
    private long _leafCount;

    /// <summary>Bytes of leaves and of the directory.</summary>
    public long Bytes => (Volatile.Read(ref _leafCount) << arena.FrameShift) + _leaves.Bytes;

    /// <summary>The number of leaves; a scan of the table reads each.</summary>
    public long Leaves => Volatile.Read(ref _leafCount);

    /// <summary>Items in a leaf.</summary>
    public uint LeafLength => 1u << _leafShift;

    /// <summary>Finds an item; null if its leaf does not exist.</summary>
    public T* Find(uint number)
    {
        int* leaf = _leaves.Find(number >> _leafShift);
        int frame = leaf is null ? 0 : Volatile.Read(ref *leaf);
        return frame <= 0 ? null : (T*)arena.AddressOf((uint)frame - 1) + (number & LeafLength - 1);
    }

    /// <summary>Finds an item and makes its leaf if it is missing; false when there is no memory.</summary>
    public bool TryEnsure(uint number, out T* item)
    {
        item = Find(number);
        if (item is not null)
            return true;
        lock (_growth)
        {
            if (!_leaves.TryEnsure(number >> _leafShift, out int* leaf))
                return false;
            if (*leaf <= 0)
            {
                if (!arena.TryAllocateForTable(ReserveUse.None, out uint frame))
                    return false;
                Initialize(new Span<T>(arena.AddressOf(frame), (int)LeafLength), *leaf < 0 ? (uint)~*leaf : null);
                _leafCount++;
                Volatile.Write(ref *leaf, (int)(frame + 1));
            }
        }
        item = Find(number);
        return true;
    }

    /// <summary>
    /// The lowest number between <paramref name="from"/> and <paramref name="last"/> whose leaf exists; null if there is none.
    /// </summary>
    public uint? NextExisting(uint from, uint last = uint.MaxValue)
    {
        uint leaf = from >> _leafShift;
        uint lastLeaf = last >> _leafShift;
        while (leaf <= lastLeaf && _leaves.NextExisting(leaf) is { } candidate && candidate <= lastLeaf)
        {
            if (Volatile.Read(ref *_leaves.Find(candidate)) > 0)
                return Math.Max(from, candidate << _leafShift);
            leaf = candidate + 1;
        }
        return null;
    }

    /// <summary>Frees the leaves in which no item is set.</summary>
    /// <remarks>The caller is the only thread that uses the table.</remarks>
    public void TrimEmptyLeaves()
    {
        uint number = 0;
        while (_leaves.NextExisting(number) is { } candidate)
        {
            int* leaf = _leaves.Find(candidate);
            if (*leaf > 0 && !new ReadOnlySpan<byte>(arena.AddressOf((uint)*leaf - 1), arena.FrameSize).ContainsAnyExcept((byte)0))
                Release(leaf, note: null);
            number = candidate + 1;
        }
        _leaves.TrimEmptyBlocks();
    }

    /// <summary>Frees the leaf of an item, if there is one, whatever it holds, and keeps a note for the next leaf in its place.</summary>
    /// <remarks>The caller is the only thread that uses the table.</remarks>
    /// <param name="number">The item's number.</param>
    /// <param name="note">At most 2^31 - 1; null for no note.</param>
    public void Drop(uint number, uint? note)
    {
        int* leaf = _leaves.Find(number >> _leafShift);
        if (leaf is not null && *leaf > 0)
            Release(leaf, note);
    }

    /// <summary>Frees the empty blocks of the directory.</summary>
    /// <remarks>The caller is the only thread that uses the table.</remarks>
    public void TrimDirectory() => _leaves.TrimEmptyBlocks();

    /// <summary>Frees the directory; no thread uses an item any more.</summary>
    /// <remarks>The frames of leaves are freed with the arena.</remarks>
    public void Free()
    {
        _leaves.Free();
        _leafCount = 0;
    }

    /// <summary>Sets the items of a new leaf.</summary>
    /// <param name="items">All items, with the previous content of the frame.</param>
    /// <param name="note">The note of the leaf that was dropped here; null if there is none.</param>
    protected virtual void Initialize(Span<T> items, uint? note) => items.Clear();

    private void Release(int* leaf, uint? note)
    {
        arena.Free((uint)*leaf - 1);
        *leaf = note is { } left ? ~(int)left : 0;
        _leafCount--;
    }
}
