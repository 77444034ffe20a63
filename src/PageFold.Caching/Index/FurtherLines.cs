using System.Numerics;
using System.Runtime.InteropServices;

namespace PageFold.Caching.Index;

/// <summary>The lines that continue full buckets, by number from one, in small blocks that go when they are empty. Thread-safe.</summary>
/// <remarks>The holder of a bucket takes and frees lines, so the lock here is taken last, and held briefly.</remarks>
internal sealed unsafe class FurtherLines(IndexMemory memory)
{
    private const int BlockShift = 4;
    private const uint BlockLines = 1u << BlockShift;
    private const int BlockBytes = (int)BlockLines * BucketLine.Size;
    private const uint AllFree = (1u << (int)BlockLines) - 1;

    private readonly Lock _lock = new();
    private readonly GrowingArray<Block> _blocks = new(memory);

    // Numbers of blocks plus one. With free lines: linked both ways, since a block leaves when it is full or gone.
    private uint _firstWithFree;
    private uint _firstWithoutMemory;
    private uint _blockCount;
    private long _lines;

    /// <summary>The number of lines in use.</summary>
    public long Lines => Interlocked.Read(ref _lines);

    public BucketLine* At(uint number) => _blocks.At(number - 1 >> BlockShift)->Lines + (number - 1 & BlockLines - 1);

    /// <summary>Takes an empty line; zero when there is no memory.</summary>
    public uint TryTake()
    {
        lock (_lock)
        {
            if (_firstWithFree == 0 && !TryAddBlock())
                return 0;
            uint number = _firstWithFree - 1;
            Block* block = _blocks.At(number);
            uint line = (uint)BitOperations.TrailingZeroCount(block->Free);
            block->Free &= block->Free - 1;
            if (block->Free == 0)
                Unlink(block);
            _lines++;
            return (number << BlockShift | line) + 1;
        }
    }

    /// <summary>Gives a line back.</summary>
    public void Free(uint number)
    {
        *At(number) = default;
        lock (_lock)
        {
            uint index = number - 1 >> BlockShift;
            Block* block = _blocks.At(index);
            if (block->Free == 0)
                Link(index, block);
            block->Free |= 1u << (int)(number - 1 & BlockLines - 1);
            _lines--;
            if (block->Free == AllFree)
                DropBlock(index, block);
        }
    }

    /// <summary>Gives all back; no other thread uses the lines.</summary>
    public void FreeAll()
    {
        for (uint index = 0; index < _blockCount; index++)
        {
            if (_blocks.At(index)->Lines is not null)
                memory.Free(_blocks.At(index)->Lines, BlockBytes);
        }
        _blocks.FreeFrom(0);
        _firstWithFree = _firstWithoutMemory = _blockCount = 0;
        _lines = 0;
    }

    private bool TryAddBlock()
    {
        uint index = _firstWithoutMemory != 0 ? _firstWithoutMemory - 1 : _blockCount;
        if (index > BucketLock.MaxFurther - 1 >> BlockShift || !_blocks.TryEnsure(index))
            return false;
        byte* lines = memory.TryAllocate(BlockBytes);
        if (lines is null)
            return false;
        Block* block = _blocks.At(index);
        if (_firstWithoutMemory != 0)
            _firstWithoutMemory = block->Next;
        else
            _blockCount++;
        block->Lines = (BucketLine*)lines;
        block->Free = AllFree;
        Link(index, block);
        return true;
    }

    private void DropBlock(uint index, Block* block)
    {
        Unlink(block);
        memory.Free(block->Lines, BlockBytes);
        *block = new Block { Next = _firstWithoutMemory };
        _firstWithoutMemory = index + 1;
        if (_lines == 0)
        {
            _blocks.FreeFrom(0);
            _firstWithoutMemory = _blockCount = 0;
        }
    }

    private void Link(uint index, Block* block)
    {
        block->Next = _firstWithFree;
        block->Previous = 0;
        if (_firstWithFree != 0)
            _blocks.At(_firstWithFree - 1)->Previous = index + 1;
        _firstWithFree = index + 1;
    }

    private void Unlink(Block* block)
    {
        if (block->Previous != 0)
            _blocks.At(block->Previous - 1)->Next = block->Next;
        else
            _firstWithFree = block->Next;
        if (block->Next != 0)
            _blocks.At(block->Next - 1)->Previous = block->Previous;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Block
    {
        public BucketLine* Lines;
        public uint Free;
        public uint Next;
        public uint Previous;
    }
}
