using BenchmarkDotNet.Attributes;
using PageFold.Frames;

namespace PageFold.Micro;

/// <summary>Single frames from an arena that has many in use. A frame that the arena hands out is zeros, so its clearing is in the figures.</summary>
public class FrameArenaBenchmarks
{
    private const int Operations = 4096;
    private const int InUse = 32768;

    // Less than the arena keeps of them, so that none goes back to the system.
    private const int Spare = 32;

    private readonly uint[] _batch = new uint[Operations];
    private readonly uint[] _used = new uint[InUse];
    private readonly RandomOrder _order = new(InUse, seed: 1);
    private FrameArena _arena = null!;

    /// <summary>Takes the frames in use, and leaves some free.</summary>
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

    /// <summary>Gives the arena up.</summary>
    [GlobalCleanup]
    public void CleanUp() => _arena.Dispose();

    /// <summary>Gives any frame back and takes one that is free already.</summary>
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

    /// <summary>Takes thousands of frames, which the system has to supply, and gives all of them back, to it.</summary>
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
