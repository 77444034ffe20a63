using System.Runtime.InteropServices;

namespace PageFold.Caching.Eviction;

/// <summary>A first-in, first-out queue of hashes: the order of the small part.</summary>
/// <remarks>
/// <para>
/// Four bytes a hash, in a chain of blocks (4 KiB each) that are taken as the queue grows and given back as it shrinks. An entry that
/// leaves the cache in another way leaves its hash behind; the policy skips such a stale hash when its turn comes.
/// </para>
/// <para>
/// When stale hashes may be the majority, the policy lets <see cref="CompactStep"/> walk over the queue: it moves hashes that are still
/// wanted towards the head, over the stale ones. Between the place that it writes to and the place that it reads from lies a gap, in one
/// block or in two that are neighbours; blocks that lie wholly in the gap are given back. When the head reaches the gap, it skips it and
/// the walk ends. Not thread-safe.
/// </para>
/// </remarks>
internal sealed unsafe class HashQueue : IDisposable
{
    /// <summary>Bytes of a block.</summary>
    public const int DefaultBlockBytes = 4096;

    private readonly CacheMemory _memory;
    private readonly int _blockBytes;
    private readonly int _blockHashes;
    private Place _head;
    private Place _tail;
    private Place _write;
    private Place _read;
    private long _blockCount;

    /// <summary>Makes an empty queue, which holds no memory.</summary>
    public HashQueue(CacheMemory memory, int blockBytes = DefaultBlockBytes)
    {
        _memory = memory;
        _blockBytes = blockBytes;
        _blockHashes = (blockBytes - sizeof(Block)) / sizeof(uint);
    }

    /// <summary>Gets the number of hashes, stale ones included.</summary>
    public long Count { get; private set; }

    /// <summary>Gets whether a walk of <see cref="CompactStep"/> has begun and not ended.</summary>
    public bool IsCompacting { get; private set; }

    /// <summary>Gets the bytes that the queue holds.</summary>
    public long HeldBytes => _blockCount * _blockBytes;

    /// <summary>Adds a hash at the end; false when memory is refused.</summary>
    public bool TryEnqueue(uint hash)
    {
        if (_tail.Block == null || _tail.Index == _blockHashes)
        {
            Block* block = (Block*)_memory.TryAllocate(_blockBytes);
            if (block == null)
                return false;
            _blockCount++;
            block->Next = null;
            if (_tail.Block == null)
                _head = new Place { Block = block };
            else
                _tail.Block->Next = block;
            _tail = new Place { Block = block };
        }
        Hashes(_tail.Block)[_tail.Index++] = hash;
        Count++;
        return true;
    }

    /// <summary>Takes the oldest hash.</summary>
    public bool TryDequeue(out uint hash)
    {
        hash = 0;
        if (IsCompacting && _head.Is(_write))
            SkipGap();
        if (Count == 0)
            return false;
        LeaveFinishedBlock(ref _head);
        hash = Hashes(_head.Block)[_head.Index++];
        Count--;
        if (Count == 0)
            Clear();
        return true;
    }

    /// <summary>Begins to drop stale hashes from the oldest to the newest.</summary>
    public void BeginCompaction()
    {
        if (IsCompacting || Count == 0)
            return;
        LeaveFinishedBlock(ref _head);
        _write = _head;
        _read = _head;
        IsCompacting = true;
    }

    /// <summary>Takes the next hash that the walk has to look at; false when the walk has ended.</summary>
    /// <remarks>The caller calls <see cref="Keep"/> for a hash that is not stale, before anything else.</remarks>
    public bool CompactStep(out uint hash)
    {
        hash = 0;
        if (!IsCompacting)
            return false;
        if (_read.Is(_tail))
        {
            EndCompaction();
            return false;
        }
        if (_read.Index == _blockHashes)
        {
            Block* finished = _read.Block;
            _read = new Place { Block = finished->Next };
            if (finished != _write.Block)
            {
                // All of the block is gap, and the block that is written to is the one before it.
                _write.Block->Next = _read.Block;
                Free(finished);
            }
        }
        hash = Hashes(_read.Block)[_read.Index++];
        Count--;
        return true;
    }

    /// <summary>Puts the hash that <see cref="CompactStep"/> took back into its place in the order.</summary>
    public void Keep(uint hash)
    {
        if (_write.Index == _blockHashes)
            _write = new Place { Block = _write.Block->Next };
        Hashes(_write.Block)[_write.Index++] = hash;
        Count++;
    }

    /// <summary>Forgets all hashes and gives all memory back.</summary>
    public void Clear()
    {
        for (Block* block = _head.Block; block != null;)
        {
            Block* next = block->Next;
            Free(block);
            block = next;
        }
        _head = _tail = _write = _read = default;
        Count = 0;
        IsCompacting = false;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private static uint* Hashes(Block* block) => (uint*)(block + 1);

    private void LeaveFinishedBlock(ref Place place)
    {
        if (place.Index < _blockHashes || place.Block == _tail.Block)
            return;
        Block* finished = place.Block;
        place = new Place { Block = finished->Next };
        Free(finished);
    }

    /// <summary>All hashes in front of the gap are taken: the queue goes on behind it, and the walk ends.</summary>
    private void SkipGap()
    {
        if (_head.Block != _read.Block)
            Free(_head.Block);
        _head = _read;
        IsCompacting = false;
    }

    private void EndCompaction()
    {
        IsCompacting = false;
        if (Count == 0)
        {
            Clear();
            return;
        }
        if (_write.Block != _tail.Block)
            Free(_tail.Block);
        _tail = _write;
        _tail.Block->Next = null;
    }

    private void Free(Block* block)
    {
        _memory.Free((byte*)block, _blockBytes);
        _blockCount--;
    }

    /// <summary>The head of a block; hashes follow.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Block
    {
        public Block* Next;
    }

    /// <summary>A place in the chain; its index is the block's number of hashes if the next place is in the next block.</summary>
    private struct Place
    {
        public Block* Block;
        public int Index;

        public readonly bool Is(in Place other) => Block == other.Block && Index == other.Index;
    }
}
