using System.Runtime.InteropServices;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Memory with a limit that can be changed, and a count of what is charged.</summary>
internal sealed unsafe class CodingMemory : CacheMemory
{
    private const nuint Alignment = 64;

    private long _used;
    private long _limit = long.MaxValue;

    /// <summary>Bytes that are charged.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>What is charged stays below it.</summary>
    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    public override byte* TryAllocate(long bytes)
    {
        if (!TryCharge(bytes))
            return null;
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        NativeMemory.Clear(block, (nuint)bytes);
        return block;
    }

    public override void Free(byte* block, long bytes)
    {
        NativeMemory.AlignedFree(block);
        Release(bytes);
    }

    public override bool TryCharge(long bytes)
    {
        Assert.True(bytes > 0);
        if (Interlocked.Add(ref _used, bytes) <= Limit)
            return true;
        Release(bytes);
        return false;
    }

    public override void Release(long bytes) => Assert.True(Interlocked.Add(ref _used, -bytes) >= 0);
}
