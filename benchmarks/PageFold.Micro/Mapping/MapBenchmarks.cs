using BenchmarkDotNet.Attributes;

namespace PageFold.Micro;

/// <summary>Benchmarks access to objects of the sizes of compressed real pages.</summary>
/// <remarks>
/// For every straddling object there is a contiguous one of the same size, so the two cases differ only in how the objects lie.
/// </remarks>
public class MapBenchmarks
{
    private const int Operations = 4096;
    private const int Objects = 65536;

    private readonly byte[] _buffer = new byte[PageSet.PageSize];
    private ZsHandle[] _handles = [];
    private int[] _sizes = [];
    private RandomOrder _order = null!;
    private ZsPool _pool = null!;

    /// <summary>True if the objects lie in two frames, false if in one.</summary>
    [Params(false, true)]
    public bool Straddling { get; set; }

    /// <summary>Fills a pool and chooses the objects.</summary>
    [GlobalSetup]
    public void Fill()
    {
        int[] sizes = RealPages.ReadCompressedSizes();
        RandomOrder sizeOrder = new(sizes.Length, seed: 2);
        _pool = new ZsPool(new ZsPoolOptions());
        ZsHandle[] all = [.. Enumerable.Range(0, Objects).Select(_ => _pool.Allocate(sizes[sizeOrder.Next()]))];
        ILookup<int, ZsHandle> contiguous = all.Where(handle => !Straddles(handle)).ToLookup(_pool.SizeOf);
        ILookup<int, ZsHandle> straddling = all.Where(Straddles).ToLookup(_pool.SizeOf);
        ILookup<int, ZsHandle> chosen = Straddling ? straddling : contiguous;
        _handles = [.. chosen.SelectMany(same => same.Take(Math.Min(contiguous[same.Key].Count(), straddling[same.Key].Count())))];
        _sizes = [.. _handles.Select(_pool.SizeOf)];
        _order = new RandomOrder(_handles.Length, seed: 3);
    }

    /// <summary>Disposes the pool.</summary>
    [GlobalCleanup]
    public void CleanUp() => _pool.Dispose();

    /// <summary>Maps an object for reading and reads both its ends.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public int MapToRead()
    {
        int sum = 0;
        for (int i = 0; i < Operations; i++)
        {
            using ZsReadMap map = _pool.MapRead(_handles[_order.Next()]);
            sum += map.Span[0] + map.Span[^1];
        }
        return sum;
    }

    /// <summary>Views an object in place and reads both its ends.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public int View()
    {
        int sum = 0;
        for (int i = 0; i < Operations; i++)
        {
            using ZsReadView view = _pool.ViewRead(_handles[_order.Next()]);
            sum += view.First[0] + (view.Second.IsEmpty ? view.First[^1] : view.Second[^1]);
        }
        return sum;
    }

    /// <summary>Copies a whole object out.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public int Read()
    {
        int sum = 0;
        for (int i = 0; i < Operations; i++)
        {
            int any = _order.Next();
            _pool.Read(_handles[any], 0, _buffer.AsSpan(0, _sizes[any]));
            sum += _buffer[0];
        }
        return sum;
    }

    /// <summary>Copies a whole object in.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public void Write()
    {
        for (int i = 0; i < Operations; i++)
        {
            int any = _order.Next();
            _pool.Write(_handles[any], 0, _buffer.AsSpan(0, _sizes[any]));
        }
    }

    private bool Straddles(ZsHandle handle)
    {
        using ZsReadView view = _pool.ViewRead(handle);
        return view.Second.Length > 0;
    }
}
