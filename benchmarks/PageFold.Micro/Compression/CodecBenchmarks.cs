using BenchmarkDotNet.Attributes;

namespace PageFold.Micro;

/// <summary>Benchmarks every codec on real pages, without a store.</summary>
public class CodecBenchmarks
{
    private const int Operations = 2048;

    private readonly byte[] _page = new byte[PageSet.PageSize];
    private PageSet _pages = null!;
    private byte[][] _packed = [];
    private byte[] _buffer = [];
    private RandomOrder _order = null!;
    private PageCodecContext _context = null!;

    /// <summary>The codec: the system's LZ4 if there is one, the managed one, Zstandard at level 1, or a copy.</summary>
    [Params("lz4", "lz4-managed", "zstd-1", "none")]
    public string Codec { get; set; } = "none";

    /// <summary>Compresses all pages, as input for decompression.</summary>
    [GlobalSetup]
    public void Pack()
    {
        PageCodec codec = Codec switch
        {
            "lz4" => PageCodec.Lz4,
            "lz4-managed" => PageCodec.Lz4Managed,
            "zstd-1" => PageCodec.Zstd(level: 1),
            _ => PageCodec.None,
        };
        _pages = RealPages.Read();
        _order = new RandomOrder(_pages.Count, seed: 1);
        _context = codec.CreateContext(PageSet.PageSize);
        _buffer = new byte[codec.MaxCompressedLength(PageSet.PageSize)];
        _packed = new byte[_pages.Count][];
        for (int i = 0; i < _packed.Length; i++)
        {
            if (!_context.TryCompress(_pages[i], _buffer, out int size))
                throw new InvalidOperationException($"{Codec} refuses a page.");
            _packed[i] = _buffer[..size];
        }
        double ratio = (double)_pages.Count * PageSet.PageSize / _packed.Sum(packed => (long)packed.Length);
        Console.WriteLine($"// {codec.Implementation}: {_pages.Count} pages, {ratio:F2} to one");
    }

    /// <summary>Frees the codec's context.</summary>
    [GlobalCleanup]
    public void CleanUp() => _context.Dispose();

    /// <summary>Compresses a page, however large the result is.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public long Compress()
    {
        long sum = 0;
        for (int i = 0; i < Operations; i++)
        {
            _context.TryCompress(_pages[_order.Next()], _buffer, out int size);
            sum += size;
        }
        return sum;
    }

    /// <summary>Decompresses a page.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public bool Decompress()
    {
        bool whole = true;
        for (int i = 0; i < Operations; i++)
            whole &= _context.TryDecompress(_packed[_order.Next()], _page);
        return whole;
    }
}
