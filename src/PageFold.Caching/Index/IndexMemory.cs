namespace PageFold.Caching.Index;

/// <summary>The cache's memory, with a count of the bytes that the index holds. Thread-safe.</summary>
internal sealed unsafe class IndexMemory(CacheMemory memory)
{
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes a block of zeros; null when the limit is reached.</summary>
    public byte* TryAllocate(long bytes)
    {
        byte* block = memory.TryAllocate(bytes);
        if (block is not null)
            Interlocked.Add(ref _bytes, bytes);
        return block;
    }

    public void Free(void* block, long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        memory.Free((byte*)block, bytes);
    }
}
