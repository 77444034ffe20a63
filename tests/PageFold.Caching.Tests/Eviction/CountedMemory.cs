using System.Runtime.InteropServices;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>Memory with a limit that knows what is held.</summary>
internal sealed unsafe class CountedMemory : CacheMemory
{
    public long Held { get; private set; }

    public long Limit { get; set; } = long.MaxValue;

    public override byte* TryAllocate(long bytes)
    {
        Assert.True(bytes > 0);
        if (Held + bytes > Limit)
            return null;
        Held += bytes;
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        NativeMemory.Clear(block, (nuint)bytes);
        return block;
    }

    public override void Free(byte* block, long bytes)
    {
        Held -= bytes;
        NativeMemory.AlignedFree(block);
    }
}
