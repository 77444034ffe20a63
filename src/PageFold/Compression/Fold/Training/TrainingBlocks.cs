using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>Memory for many small arrays that go together: blocks, which are filled one after the other. Used by one thread.</summary>
internal sealed unsafe class TrainingBlocks(BorrowedMemory memory) : IDisposable
{
    /// <summary>Bytes of a block, and of the longest array.</summary>
    public const int BlockBytes = 256 << 10;

    private readonly List<NativeBuffer> _blocks = [];
    private int _current;
    private long _used;

    /// <summary>Takes memory for an array; what was there before may still be in it.</summary>
    public T* Take<T>(int count)
        where T : unmanaged
    {
        // Every array begins where a number of eight bytes may.
        long bytes = ((long)count * sizeof(T) + sizeof(ulong) - 1) & -sizeof(ulong);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, BlockBytes);
        if (_blocks.Count > 0 && _used + bytes > BlockBytes)
            (_current, _used) = (_current + 1, 0);
        if (_current == _blocks.Count)
            _blocks.Add(memory.Allocate(BlockBytes));
        byte* taken = _blocks[_current].Pointer + _used;
        _used += bytes;
        return (T*)taken;
    }

    /// <summary>Forgets all arrays; their memory is used again.</summary>
    public void Clear() => (_current, _used) = (0, 0);

    public void Dispose()
    {
        foreach (NativeBuffer block in _blocks)
            memory.Free(block);
        _blocks.Clear();
        Clear();
    }
}
