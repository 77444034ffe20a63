using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Store;

/// <summary>The codec alone: the lower bound of the time of a store with this codec.</summary>
/// <remarks>
/// Every page is compressed straight to the place from which it is decompressed, without a copy, a checksum, a lock, a table or a limit.
/// The places are arranged as by a size-class allocator: pages of one size class side by side, in the order in which they are written. They
/// are computed before timing starts, so the codec does no bookkeeping.
/// </remarks>
internal sealed class CodecSubject : Subject
{
    private const int Step = 16;

    private readonly long[] _starts;
    private readonly long[] _next;

    private readonly PageImage _image;
    private readonly PageCodec _codec;
    private readonly NativeBytes _places;
    private readonly long[] _offsets;
    private readonly int[] _sizes;
    private readonly int _capacity;

    /// <param name="image">The pages.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="warm">True to touch the memory of the places.</param>
    public CodecSubject(PageImage image, NamedCodec codec, bool warm)
        : base(Codec, codec.Algorithm)
    {
        _image = image;
        _codec = codec.Codec;
        _capacity = _codec.MaxCompressedLength(image.PageSize);
        _sizes = CompressedSizes.Of(image, _codec);
        _starts = Starts(_sizes);
        _next = new long[_starts.Length];
        _offsets = new long[_sizes.Length];
        Compressed = _sizes.Sum(size => (long)size);
        _places = new NativeBytes(Compressed + _capacity, Environment.SystemPageSize);
        if (warm)
            _places.Touch();
    }

    public override (long Compressed, long Total) Memory => (Compressed, Compressed);

    /// <summary>The compressed size of each page of the image, in bytes.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    private long Compressed { get; }

    /// <summary>The offset of a page's place, after the last <see cref="Prepare"/>.</summary>
    public long PlaceOf(int content) => _offsets[content];

    public override void Prepare(ReadOnlySpan<int> contents)
    {
        _starts.CopyTo(_next, 0);
        foreach (int content in contents)
        {
            ref long next = ref _next[_sizes[content] / Step];
            _offsets[content] = next;
            next += _sizes[content];
        }
    }

    public override SubjectWorker CreateWorker() => new Worker(this);

    protected override void Dispose(bool disposing)
    {
        _places.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The offset of the first place of each size class.</summary>
    private static long[] Starts(int[] sizes)
    {
        long[] starts = new long[sizes.Max() / Step + 2];
        foreach (int size in sizes)
            starts[size / Step + 1] += size;
        for (int step = 1; step < starts.Length; step++)
            starts[step] += starts[step - 1];
        return starts;
    }

    private sealed class Worker(CodecSubject subject) : SubjectWorker
    {
        private readonly PageCodecContext _context = subject._codec.CreateContext(subject._image.PageSize);
        private readonly byte[] _page = GC.AllocateArray<byte>(subject._image.PageSize, pinned: true);
        private readonly byte[] _packed = GC.AllocateArray<byte>(subject._capacity, pinned: true);

        // LZ4 writes nothing beyond its result, however much room it has. Other codecs may, and write to a buffer first.
        private readonly bool _straight = subject._codec.Name != "zstd";

        public override ReadOnlySpan<byte> LastRead => _page;

        public override void Write(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            foreach (int content in contents)
            {
                long offset = subject._offsets[content];
                if (_straight)
                {
                    _context.TryCompress(subject._image[content], subject._places.Slice(offset, subject._capacity), out _);
                    continue;
                }
                _context.TryCompress(subject._image[content], _packed, out int size);
                _packed.AsSpan(0, size).CopyTo(subject._places.Slice(offset, size));
            }
        }

        public override void Read(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            foreach (int content in contents)
            {
                if (!_context.TryDecompress(subject._places.Slice(subject._offsets[content], subject._sizes[content]), _page))
                    throw new InvalidOperationException($"Page {content} does not decompress.");
            }
        }

        protected override void Dispose(bool disposing)
        {
            _context.Dispose();
            base.Dispose(disposing);
        }
    }
}
