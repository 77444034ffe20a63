using System.Runtime.InteropServices;

namespace PageFold.Caching.Tests.Index;

/// <summary>Memory that refuses by plan, knows its blocks, and sees writes into blocks that were given back.</summary>
internal sealed unsafe class PlannedMemory : CacheMemory, IDisposable
{
    private const byte Poison = 0xA5;

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, long> _live = [];
    private readonly List<(nint Block, long Bytes)> _quarantine = [];

    /// <summary>Says whether the next block is refused; null for never.</summary>
    public Func<bool>? Refuses { get; set; }

    /// <summary>Frees at once instead of keeping what was given back, for tests of size.</summary>
    public bool IsForgetful { get; init; }

    public long Bytes { get; private set; }

    public int Blocks => _live.Count;

    public int Refused { get; private set; }

    public int Freed { get; private set; }

    public override byte* TryAllocate(long bytes)
    {
        Assert.True(bytes > 0);
        lock (_lock)
        {
            if (Refuses?.Invoke() == true)
            {
                Refused++;
                return null;
            }
            byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            NativeMemory.Clear(block, (nuint)bytes);
            _live.Add((nint)block, bytes);
            Bytes += bytes;
            return block;
        }
    }

    public override void Free(byte* block, long bytes)
    {
        lock (_lock)
        {
            Assert.True(_live.Remove((nint)block, out long length), "a block is given back that is not live");
            Assert.Equal(length, bytes);
            Bytes -= bytes;
            Freed++;
            if (IsForgetful)
            {
                NativeMemory.AlignedFree(block);
                return;
            }
            new Span<byte>(block, (int)bytes).Fill(Poison);
            _quarantine.Add(((nint)block, bytes));
        }
    }

    /// <summary>Fails if a block is live, or if one was written to after it was given back.</summary>
    public void AssertAllGivenBack()
    {
        Assert.Empty(_live);
        Assert.Equal(0, Bytes);
        foreach ((nint block, long bytes) in _quarantine)
        {
            bool isWritten = new ReadOnlySpan<byte>((byte*)block, (int)bytes).ContainsAnyExcept(Poison);
            Assert.False(isWritten, "a block was written to after it was given back");
        }
    }

    public void Dispose()
    {
        foreach (nint block in _live.Keys)
            NativeMemory.AlignedFree((void*)block);
        foreach ((nint block, _) in _quarantine)
            NativeMemory.AlignedFree((void*)block);
        _live.Clear();
        _quarantine.Clear();
    }
}
