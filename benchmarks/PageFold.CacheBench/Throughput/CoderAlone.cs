namespace PageFold.CacheBench.Throughput;

/// <summary>
/// The codec of PageFold's cache without a cache: the same values, compressed with tables trained on a sample of them, one after the other
/// in memory and found by number. What a get and a set take beyond it is the price of the cache.
/// </summary>
internal sealed class CoderAlone : IDisposable
{
    public const string Name = "coder";

    private const int SampleOneIn = 50;
    private const int LeastSamples = 1000;
    private const int ChunkShift = 26;

    private readonly byte[][] _values;
    private readonly PageCodec _codec;
    private readonly PageCodecContext[] _contexts;
    private readonly byte[] _scratch;
    private readonly int _room;
    private readonly List<byte[]> _chunks = [];

    // Where each value is, by chunks that follow each other.
    private readonly long[] _places;
    private readonly int[] _lengths;

    public CoderAlone(byte[][] values, int entries, int threads)
    {
        _values = values;
        _codec = Train(values);
        _room = values.Max(value => value.Length);
        _contexts = [.. Enumerable.Range(0, threads).Select(_ => _codec.CreateContext(_room))];
        _scratch = new byte[_room * threads];
        _places = new long[entries];
        _lengths = new int[entries];
        long end = 0;
        for (int i = 0; i < entries; i++)
        {
            byte[] value = values[i % values.Length];
            int left = (1 << ChunkShift) - (int)(end & ((1 << ChunkShift) - 1));
            if (left < _room)
                end += left;
            if (end >> ChunkShift == _chunks.Count)
                _chunks.Add(GC.AllocateUninitializedArray<byte>(1 << ChunkShift));
            _places[i] = end;
            _lengths[i] = Compress(value, Chunk(end)[..value.Length]);
            end += _lengths[i];
        }
    }

    /// <summary>Bytes that are stored for all values.</summary>
    public long StoredBytes => _lengths.Sum(length => (long)length);

    /// <summary>Decompresses a value; returns its length.</summary>
    public int Get(int number, int thread, Span<byte> destination)
    {
        ReadOnlySpan<byte> stored = Chunk(_places[number])[.._lengths[number]];
        // An application would keep the length beside the place.
        int length = _values[number % _values.Length].Length;
        if (stored.Length == length)
            stored.CopyTo(destination);
        else if (!_contexts[thread].TryDecompress(stored, destination[..length]))
            return -1;
        return length;
    }

    /// <summary>Compresses a value, and drops what comes of it.</summary>
    public void Set(byte[] value, int thread) => _contexts[thread].TryCompress(value, _scratch.AsSpan(thread * _room, _room), out _);

    public void Dispose()
    {
        foreach (PageCodecContext context in _contexts)
            context.Dispose();
    }

    private static PageCodec Train(byte[][] values)
    {
        int step = Math.Max(1, Math.Min(SampleOneIn, values.Length / LeastSamples));
        byte[][] samples = [.. values.Where((_, i) => i % step == 0)];
        FoldTraining trained = PageCodec.TrainFold([.. samples.SelectMany(sample => sample)], [.. samples.Select(sample => sample.Length)]);
        return trained.Tables.IsEmpty ? PageCodec.Fold(FoldLevel.Dense) : PageCodec.Fold(FoldLevel.Dense, trained.Tables.Span);
    }

    private Span<byte> Chunk(long place) => _chunks[(int)(place >> ChunkShift)].AsSpan((int)place & ((1 << ChunkShift) - 1));

    private int Compress(byte[] value, Span<byte> destination)
    {
        if (_contexts[0].TryCompress(value, destination, out int written) && written < value.Length)
            return written;
        value.CopyTo(destination);
        return value.Length;
    }
}
