namespace PageFold.Caching;

/// <summary>Counts what one part of the cache takes of its memory.</summary>
internal sealed unsafe class CountedMemory(CacheMemory memory) : CacheMemory
{
    private long _bytes;

    /// <summary>Bytes taken, charged ones included.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public override byte* TryAllocate(long bytes)
    {
        byte* block = memory.TryAllocate(bytes);
        if (block is not null)
            Interlocked.Add(ref _bytes, bytes);
        return block;
    }

    public override void Free(byte* block, long bytes)
    {
        memory.Free(block, bytes);
        Interlocked.Add(ref _bytes, -bytes);
    }

    public override bool TryCharge(long bytes)
    {
        bool charged = memory.TryCharge(bytes);
        if (charged)
            Interlocked.Add(ref _bytes, bytes);
        return charged;
    }

    public override void Release(long bytes)
    {
        memory.Release(bytes);
        Interlocked.Add(ref _bytes, -bytes);
    }
}
