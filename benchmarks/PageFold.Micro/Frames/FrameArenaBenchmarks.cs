using BenchmarkDotNet.Attributes;
using PageFold.Frames;

namespace PageFold.Micro;

/// <summary>Benchmarks single frames of an arena with many frames in use.</summary>
/// <remarks>The arena clears a frame before it hands it out, so the figures include clearing.</remarks>
public class FrameArenaBenchmarks
{
    private const int Operations = 4096;
    private const int InUse = 32768;

    // Fewer than the arena keeps free, so that none goes back to the system.
    private const int Spare = 32;

    private readonly uint[] _batch = new uint[Operations];
    private readonly uint[] _used = new uint[InUse];
    private readonly RandomOrder _order = new(InUse, seed: 1);
    private FrameArena _arena = null!;

    /// <summary>Takes the frames in use and leaves some free.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _arena = new FrameArena(new FrameArenaOptions { MemoryLimit = 256L << 20 });
        for (int i = 0; i < InUse; i++)
            _used[i] = Take();
        for (int i = 0; i < Spare; i++)
            _batch[i] = Take();
        for (int i = 0; i < Spare; i++)
            _arena.Free(_batch[i]);
    }

    /// <summary>Disposes the arena.</summary>
    [GlobalCleanup]
    public void CleanUp() => _arena.Dispose();

    /// <summary>Frees a random frame and takes a free one.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public void FreeAndAllocateWarm()
    {
        for (int i = 0; i < Operations; i++)
        {
            int any = _order.Next();
            _arena.Free(_used[any]);
            _used[any] = Take();
        }
    }

    /// <summary>Takes thousands of frames from the system and gives all of them back to it.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public void AllocateAndFreeThroughTheSystem()
    {
        for (int i = 0; i < Operations; i++)
            _batch[i] = Take();
        for (int i = 0; i < Operations; i++)
            _arena.Free(_batch[i]);
    }

    private uint Take() => _arena.TryAllocate(out uint frame) ? frame : throw new InvalidOperationException("The arena is full.");
}
