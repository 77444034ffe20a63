namespace PageFold.Frames;

/// <summary>A sparse array that grows without moving its items and without stopping readers.</summary>
/// <remarks>
/// Items lie in zeroed blocks whose length is a power of two. A root holds the addresses of the blocks; when it is too short, one of twice
/// the length replaces it. Old roots are kept, because a reader may still use one; together they are no longer than the newest. Reading is
/// lock-free; growing takes a lock. <see cref="TrimEmptyBlocks"/> frees blocks and roots while there is no reader.
/// </remarks>
/// <typeparam name="T">The item; its all-zero value means "not set".</typeparam>
internal sealed unsafe class BlockArray<T>(MemoryBudget budget, int blockShift)
    where T : unmanaged
{
    private const uint FirstRootLength = 8;

    private readonly Lock _growth = new();
    private readonly List<NativeBuffer> _roots = [];
    private readonly uint _mask = (1u << blockShift) - 1;

    // The first word of a root is its length, the others are the addresses of blocks.
    private nint _root;
    private long _bytes;

    /// <summary>Items in a block.</summary>
    public uint BlockLength => _mask + 1;

    /// <summary>Bytes of blocks and roots.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The item at <paramref name="index"/>; null if its block does not exist.</summary>
    public T* Find(uint index)
    {
        ulong* root = (ulong*)Volatile.Read(ref _root);
        uint block = index >> blockShift;
        if (root is null || block >= root[0])
            return null;
        T* items = (T*)Volatile.Read(ref root[block + 1]);
        return items is null ? null : items + (index & _mask);
    }

    /// <summary>Finds the item at <paramref name="index"/> and makes its block if it is missing; false when there is no memory.</summary>
    public bool TryEnsure(uint index, out T* item)
    {
        item = Find(index);
        if (item is not null)
            return true;
        lock (_growth)
        {
            uint block = index >> blockShift;
            if (!TryEnsureRoot(block + 1))
                return false;
            ulong* root = (ulong*)_root;
            if (root[block + 1] == 0)
            {
                if (!NativeBuffer.TryAllocateForTable(budget, BlockBytes, out NativeBuffer buffer))
                    return false;
                _bytes += buffer.Length;
                Volatile.Write(ref root[block + 1], (ulong)buffer.Pointer);
            }
        }
        item = Find(index);
        return true;
    }

    /// <summary>The lowest index at or after <paramref name="from"/> in an existing block; null if there is none.</summary>
    public uint? NextExisting(uint from)
    {
        ulong* root = (ulong*)Volatile.Read(ref _root);
        uint block = from >> blockShift;
        if (root is null)
            return null;
        if (block < root[0] && Volatile.Read(ref root[block + 1]) != 0)
            return from;
        for (block++; block < root[0]; block++)
        {
            if (Volatile.Read(ref root[block + 1]) != 0)
                return block << blockShift;
        }
        return null;
    }

    /// <summary>Frees blocks in which no item is set, and roots that are longer than needed.</summary>
    /// <remarks>The caller is the only thread that uses the array.</remarks>
    public void TrimEmptyBlocks()
    {
        ulong* root = (ulong*)_root;
        uint length = 0;
        for (uint block = 0; root is not null && block < root[0]; block++)
        {
            if (root[block + 1] == 0)
                continue;
            if (new ReadOnlySpan<byte>((void*)root[block + 1], (int)BlockBytes).ContainsAnyExcept((byte)0))
                length = block + 1;
            else
                FreeBlock(root, block);
        }
        ShortenRoot(length);
    }

    /// <summary>Frees everything; no thread reads any more.</summary>
    public void Free()
    {
        ulong* root = (ulong*)_root;
        for (uint block = 0; root is not null && block < root[0]; block++)
        {
            if (root[block + 1] != 0)
                FreeBlock(root, block);
        }
        ShortenRoot(0);
    }

    private long BlockBytes => (long)BlockLength * sizeof(T);

    private void FreeBlock(ulong* root, uint block)
    {
        NativeBuffer.Free(budget, (byte*)root[block + 1], BlockBytes);
        root[block + 1] = 0;
        _bytes -= BlockBytes;
    }

    /// <summary>
    /// Replaces the roots by one just long enough for so many blocks; without memory for it, keeps the shortest that
    /// suffices.
    /// </summary>
    private void ShortenRoot(uint length)
    {
        ulong* newest = (ulong*)_root;
        if (newest is null || length == 0)
        {
            FreeRootsExcept(null);
            return;
        }
        uint wanted = RootLength(length);
        // In ascending order.
        int kept = _roots.FindIndex(root => LengthOf(root) >= wanted);
        // Not worth idle frames: if there is no memory, the longer root stays.
        if (LengthOf(_roots[kept]) > wanted && NativeBuffer.TryAllocate(budget, RootBytes(wanted), out NativeBuffer made))
        {
            *(ulong*)made.Pointer = wanted;
            _roots.Insert(kept, made);
            _bytes += made.Length;
        }
        ulong* root = (ulong*)_roots[kept].Pointer;
        for (uint block = 0; block < root[0]; block++)
            root[block + 1] = newest[block + 1];
        FreeRootsExcept(root);
    }

    private void FreeRootsExcept(ulong* kept)
    {
        Volatile.Write(ref _root, (nint)kept);
        for (int i = _roots.Count - 1; i >= 0; i--)
        {
            NativeBuffer root = _roots[i];
            if (root.Pointer == kept)
                continue;
            _bytes -= root.Length;
            root.Free(budget);
            _roots.RemoveAt(i);
        }
    }

    private bool TryEnsureRoot(uint length)
    {
        ulong* old = (ulong*)_root;
        uint oldLength = old is null ? 0 : (uint)old[0];
        if (length <= oldLength)
            return true;
        uint made = RootLength(length);
        if (!NativeBuffer.TryAllocateForTable(budget, RootBytes(made), out NativeBuffer buffer))
            return false;
        ulong* root = (ulong*)buffer.Pointer;
        root[0] = made;
        for (uint block = 0; block < oldLength; block++)
            root[block + 1] = old[block + 1];
        _roots.Add(buffer);
        _bytes += buffer.Length;
        Volatile.Write(ref _root, (nint)root);
        return true;
    }

    private static long RootBytes(uint length) => (length + 1L) * sizeof(ulong);

    private static uint RootLength(uint blocks) => Math.Max(FirstRootLength, System.Numerics.BitOperations.RoundUpToPowerOf2(blocks));

    private static uint LengthOf(NativeBuffer root) => (uint)*(ulong*)root.Pointer;
}
