using System.Runtime.InteropServices;

namespace PageFold.Caching.Tests;

/// <summary>Memory that counts what is held, refuses above a limit, and checks what is given back.</summary>
internal sealed unsafe class TestMemory : CacheMemory
{
    private readonly Dictionary<nint, long> _blocks = [];

    public long Limit { get; set; } = long.MaxValue;

    public long Held { get; private set; }

    public override byte* TryAllocate(long bytes)
    {
        Assert.True(bytes > 0);
        lock (_blocks)
        {
            if (bytes > Limit - Held)
                return null;
            byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            NativeMemory.Clear(block, (nuint)bytes);
            _blocks.Add((nint)block, bytes);
            Held += bytes;
            return block;
        }
    }

    public override void Free(byte* block, long bytes)
    {
        lock (_blocks)
        {
            Assert.True(_blocks.Remove((nint)block, out long taken));
            Assert.Equal(taken, bytes);
            Held -= bytes;
            NativeMemory.AlignedFree(block);
        }
    }
}
