using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>A codec that compresses and decompresses the pages of an image, and holds them compressed.</summary>
/// <remarks>
/// A page is compressed into one buffer, as in a store, which then copies the result. It is decompressed into one buffer from its own place
/// among all compressed pages, which is in no near cache if the pages are many. A page whose result is above the store's limit is held raw,
/// and copied instead of decompressed.
/// </remarks>
internal sealed class MeasuredCodec : IDisposable
{
    private const int ChunkLength = 4 << 20;

    private readonly PageImage _image;
    private readonly PageCodecContext _context;
    private readonly byte[] _packed;
    private readonly byte[] _page;
    private readonly List<NativeBytes> _chunks = [];
    private readonly int[] _sizes;
    private readonly (int Chunk, int Offset)[] _places;
    private int _filled = ChunkLength;

    public MeasuredCodec(NamedCodec codec, PageImage image)
    {
        Codec = codec;
        _image = image;
        _context = codec.Codec.CreateContext(image.PageSize);
        _packed = GC.AllocateArray<byte>(Math.Max(image.PageSize, codec.Codec.MaxCompressedLength(image.PageSize)), pinned: true);
        _page = GC.AllocateArray<byte>(image.PageSize, pinned: true);
        _sizes = new int[image.Count];
        _places = new (int, int)[image.Count];
    }

    public NamedCodec Codec { get; }

    /// <summary>Microseconds a page of each turn, first to last.</summary>
    public List<double> CompressTurns { get; } = [];

    /// <inheritdoc cref="CompressTurns"/>
    public List<double> DecompressTurns { get; } = [];

    /// <summary>The bytes that a store keeps of all pages.</summary>
    public long CompressedBytes => _sizes.Sum(size => (long)size);

    public int RawPages => _sizes.Count(size => size == _image.PageSize);

    /// <summary>Bytes of memory for the compressed pages.</summary>
    public long HeldBytes => (long)_chunks.Count * ChunkLength;

    /// <summary>Compresses pages and keeps the results, decompresses each and compares it; returns what is wrong, or null.</summary>
    public string? Pack(ReadOnlySpan<int> pages)
    {
        foreach (int page in pages)
        {
            if (Pack(page) is { } problem)
                return $"page {page} {problem}";
        }
        return null;
    }

    /// <summary>Compresses pages and keeps nothing.</summary>
    public void Compress(ReadOnlySpan<int> pages)
    {
        foreach (int page in pages)
            _context.TryCompress(_image[page], _packed, out _);
    }

    /// <summary>Decompresses pages that were packed.</summary>
    public void Decompress(ReadOnlySpan<int> pages)
    {
        foreach (int page in pages)
        {
            if (!TryLoad(page))
                throw new InvalidOperationException($"{Codec.Name} ({Codec.Implementation}) does not decompress page {page} any more.");
        }
    }

    public void Dispose()
    {
        _context.Dispose();
        foreach (NativeBytes chunk in _chunks)
            chunk.Dispose();
        _chunks.Clear();
    }

    private string? Pack(int page)
    {
        ReadOnlySpan<byte> original = _image[page];
        bool isRaw = !_context.TryCompress(original, _packed, out int size) || size > CompressedSizes.RawAbove(_image.PageSize);
        ReadOnlySpan<byte> kept = isRaw ? original : _packed.AsSpan(0, size);
        if (ChunkLength - _filled < kept.Length)
        {
            _chunks.Add(new NativeBytes(ChunkLength, Environment.SystemPageSize));
            _filled = 0;
        }
        kept.CopyTo(_chunks[^1].Slice(_filled, kept.Length));
        _places[page] = (_chunks.Count - 1, _filled);
        _sizes[page] = kept.Length;
        _filled += kept.Length;
        // A codec that writes nothing must not find the page of before.
        _page.AsSpan().Fill((byte)~original[0]);
        if (!TryLoad(page))
            return $"does not decompress from its {size} bytes";
        int same = original.CommonPrefixLength(_page);
        return same == original.Length ? null : $"comes back different from byte {same} on";
    }

    private bool TryLoad(int page)
    {
        (int chunk, int offset) = _places[page];
        ReadOnlySpan<byte> kept = _chunks[chunk].Slice(offset, _sizes[page]);
        if (kept.Length < _page.Length)
            return _context.TryDecompress(kept, _page);
        kept.CopyTo(_page);
        return true;
    }
}
