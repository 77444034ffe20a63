using System.Runtime.InteropServices;
using ZstdSharp.Unsafe;

namespace PageFold.Compression;

/// <summary>
/// Zstandard by ZstdSharp.Port, without what a page does not need: no magic number, no content size, no checksum of its own. A dictionary is digested
/// once and shared by all contexts.
/// </summary>
internal sealed unsafe class ZstdCodec : PageCodec
{
    public const int DefaultLevel = 3;
    public const int LowestLevel = -7;
    public const int HighestLevel = 22;

    private readonly int _level;
    private readonly int _dictionaryLength;

    // The one copy of the dictionary's bytes; both digested forms refer to it.
    private byte* _dictionary;
    private ZSTD_CDict_s* _compressDictionary;
    private ZSTD_DDict_s* _decompressDictionary;

    public ZstdCodec(int level, ReadOnlySpan<byte> dictionary)
    {
        if (level is < LowestLevel or > HighestLevel)
            throw new ArgumentOutOfRangeException(nameof(level), level, $"Zstandard level {level} does not exist; choose {LowestLevel} to {HighestLevel}.");
        _level = level;
        if (dictionary.IsEmpty)
            return;
        _dictionaryLength = dictionary.Length;
        _dictionary = (byte*)NativeMemory.Alloc((nuint)dictionary.Length);
        dictionary.CopyTo(new Span<byte>(_dictionary, dictionary.Length));
        _compressDictionary = Methods.ZSTD_createCDict_byReference(_dictionary, (nuint)dictionary.Length, level);
        _decompressDictionary = Methods.ZSTD_createDDict_byReference(_dictionary, (nuint)dictionary.Length);
        if (_compressDictionary is null || _decompressDictionary is null)
            throw new ArgumentException($"Zstandard refuses the dictionary of {dictionary.Length} bytes; train one, or pass typical content.", nameof(dictionary));
        SharedBytes = dictionary.Length + (long)Methods.ZSTD_sizeof_CDict(_compressDictionary) + (long)Methods.ZSTD_sizeof_DDict(_decompressDictionary);
    }

    ~ZstdCodec()
    {
        _ = Methods.ZSTD_freeCDict(_compressDictionary);
        _ = Methods.ZSTD_freeDDict(_decompressDictionary);
        _compressDictionary = null;
        _decompressDictionary = null;
        NativeMemory.Free(_dictionary);
        _dictionary = null;
    }

    public override string Name => "zstd";

    public override string Implementation => "ZstdSharp.Port " + typeof(Methods).Assembly.GetName().Version!.ToString(3);

    public override long SharedBytes { get; }

    public override int MaxCompressedLength(int pageSize) => (int)Methods.ZSTD_compressBound((nuint)pageSize);

    public override PageCodecContext CreateContext(int pageSize) => new Context(this, pageSize);

    internal override CodecDescription Describe()
    {
        byte[] dictionary = new ReadOnlySpan<byte>(_dictionary, _dictionaryLength).ToArray();
        GC.KeepAlive(this);
        return new CodecDescription(Name, _level, dictionary);
    }

    private sealed class Context : PageCodecContext
    {
        // Keeps the dictionaries alive.
        private readonly ZstdCodec _codec;
        private ZSTD_CCtx_s* _compressor;
        private ZSTD_DCtx_s* _decompressor;

        public Context(ZstdCodec codec, int pageSize)
        {
            _codec = codec;
            _compressor = Methods.ZSTD_createCCtx();
            _decompressor = Methods.ZSTD_createDCtx();
            if (_compressor is null || _decompressor is null)
                throw new InsufficientMemoryException("No memory for a Zstandard context.");
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_compressionLevel, codec._level));
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0));
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_checksumFlag, 0));
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_dictIDFlag, 0));
            // The format parameter has no public name in the library's own headers either.
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_experimentalParam2, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless));
            Check(Methods.ZSTD_DCtx_setParameter(_decompressor, ZSTD_dParameter.ZSTD_d_experimentalParam1, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless));
            if (codec._compressDictionary is not null)
            {
                Check(Methods.ZSTD_CCtx_refCDict(_compressor, codec._compressDictionary));
                Check(Methods.ZSTD_DCtx_refDDict(_decompressor, codec._decompressDictionary));
            }
            // The workspace is made by the first page; make it now, so that Bytes tells the whole.
            byte[] page = new byte[pageSize];
            byte[] packed = new byte[codec.MaxCompressedLength(pageSize)];
            for (int i = 0; i < pageSize; i++)
                page[i] = (byte)(i * i >> 3);
            if (TryCompress(page, packed, out int written))
                TryDecompress(packed.AsSpan(0, written), page);
            Bytes = (long)Methods.ZSTD_sizeof_CCtx(_compressor) + (long)Methods.ZSTD_sizeof_DCtx(_decompressor);
        }

        ~Context() => Dispose(disposing: false);

        public override long Bytes { get; }

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            fixed (byte* source = page, target = destination)
            {
                nuint result = Methods.ZSTD_compress2(_compressor, target, (nuint)destination.Length, source, (nuint)page.Length);
                written = Methods.ZSTD_isError(result) ? 0 : (int)result;
                GC.KeepAlive(this);
                return written > 0;
            }
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
        {
            fixed (byte* packed = source, target = page)
            {
                nuint result = Methods.ZSTD_decompressDCtx(_decompressor, target, (nuint)page.Length, packed, (nuint)source.Length);
                GC.KeepAlive(this);
                return result == (nuint)page.Length;
            }
        }

        protected override void Dispose(bool disposing)
        {
            _ = Methods.ZSTD_freeCCtx(_compressor);
            _ = Methods.ZSTD_freeDCtx(_decompressor);
            _compressor = null;
            _decompressor = null;
            GC.KeepAlive(_codec);
            base.Dispose(disposing);
        }

        private static void Check(nuint result)
        {
            if (Methods.ZSTD_isError(result))
                throw new InvalidOperationException($"Zstandard refuses a parameter: {Methods.ZSTD_getErrorName(result)}.");
        }
    }
}
