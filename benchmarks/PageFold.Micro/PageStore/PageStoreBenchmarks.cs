using BenchmarkDotNet.Attributes;

namespace PageFold.Micro;

/// <summary>Benchmarks a full store with LZ4: one thread writes, reads and discards pages in random order.</summary>
public class PageStoreBenchmarks
{
    private const int Operations = 4096;
    private const int Stored = 65536;
    private const string Real = "real";
    private const string SameFilled = "same-filled";
    private const string Incompressible = "incompressible";

    // 64 MiB, more than the caches near a core hold.
    private const int Made = 16384;

    private readonly byte[] _buffer = new byte[PageSet.PageSize];
    private readonly RandomOrder _order = new(Stored, seed: 1);
    private PageSet _pages = null!;
    private RandomOrder _pageOrder = null!;
    private PageStore _store = null!;

    /// <summary>The content of the pages: the runtime's own files, one repeated word each, or random bytes.</summary>
    [Params(Real, SameFilled, Incompressible)]
    public string Content { get; set; } = Real;

    /// <summary>Fills the store and overwrites every page once.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _pages = Content switch
        {
            SameFilled => PageSet.SameFilled(Made),
            Incompressible => PageSet.Incompressible(Made),
            _ => RealPages.Read(),
        };
        _pageOrder = new RandomOrder(_pages.Count, seed: 2);
        _store = new PageStore(new PageStoreOptions());
        for (int i = 0; i < 2 * Stored; i += Operations)
            Write();
    }

    /// <summary>Disposes the store.</summary>
    [GlobalCleanup]
    public void CleanUp() => _store.Dispose();

    /// <summary>Overwrites a page with another.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public int Write()
    {
        int sum = 0;
        for (int i = 0; i < Operations; i++)
            sum += (int)_store.Write(_order.Next(), _pages[_pageOrder.Next()]);
        return sum;
    }

    /// <summary>Reads a page.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public int TryRead()
    {
        int found = 0;
        for (int i = 0; i < Operations; i++)
            found += _store.TryRead(_order.Next(), _buffer) ? 1 : 0;
        return found;
    }

    /// <summary>Discards a page and writes another in its place.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public long DiscardAndWrite()
    {
        long sum = 0;
        for (int i = 0; i < Operations; i++)
        {
            int any = _order.Next();
            sum += _store.Discard(any) + (int)_store.Write(any, _pages[_pageOrder.Next()]);
        }
        return sum;
    }
}
