using System.Globalization;
using BenchmarkDotNet.Attributes;

namespace PageFold.Micro;

/// <summary>Benchmarks allocating and freeing in a pool whose objects are replaced in random order.</summary>
/// <remarks>So its zspages are as full as in real use.</remarks>
public class ZsPoolBenchmarks
{
    private const int Operations = 4096;
    private const int Objects = 65536;
    private const string Compressed = "compressed";

    private readonly ZsHandle[] _handles = new ZsHandle[Objects];
    private readonly RandomOrder _order = new(Objects, seed: 1);
    private int[] _sizes = [];
    private RandomOrder _sizeOrder = null!;
    private ZsPool _pool = null!;

    /// <summary>The sizes of the objects in bytes: those of compressed real pages, or all the same.</summary>
    [Params(Compressed, "64", "512", "1632", "3072", "4096")]
    public string Size { get; set; } = Compressed;

    /// <summary>Fills the pool and replaces every object once.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _sizes = Size == Compressed ? RealPages.ReadCompressedSizes() : [int.Parse(Size, CultureInfo.InvariantCulture)];
        _sizeOrder = new RandomOrder(_sizes.Length, seed: 2);
        _pool = new ZsPool(new ZsPoolOptions());
        for (int i = 0; i < Objects; i++)
            _handles[i] = _pool.Allocate(_sizes[_sizeOrder.Next()]);
        for (int i = 0; i < Objects; i += Operations)
            FreeAndAllocate();
    }

    /// <summary>Disposes the pool.</summary>
    [GlobalCleanup]
    public void CleanUp() => _pool.Dispose();

    /// <summary>Frees a random object and allocates another, cleared one in its place.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public void FreeAndAllocate()
    {
        for (int i = 0; i < Operations; i++)
        {
            int any = _order.Next();
            _pool.Free(_handles[any]);
            _handles[any] = _pool.Allocate(_sizes[_sizeOrder.Next()]);
        }
    }
}
