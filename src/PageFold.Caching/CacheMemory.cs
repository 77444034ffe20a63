namespace PageFold.Caching;

/// <summary>Where the cache's tables take their memory from; all of it is charged to the cache's limit.</summary>
internal abstract unsafe class CacheMemory
{
    /// <summary>Takes a block of zeros that begins at a multiple of 64 bytes; null when the limit is reached.</summary>
    /// <param name="bytes">Its length, more than zero. The caller remembers it.</param>
    public abstract byte* TryAllocate(long bytes);

    /// <summary>Gives a block back.</summary>
    public abstract void Free(byte* block, long bytes);

    /// <summary>Charges bytes that the caller allocates elsewhere, such as a codec's tables; false when the limit is reached.</summary>
    public virtual bool TryCharge(long bytes) => throw new NotSupportedException("This memory charges nothing but its own blocks.");

    /// <summary>Ends a charge.</summary>
    public virtual void Release(long bytes) => throw new NotSupportedException("This memory charges nothing but its own blocks.");
}
