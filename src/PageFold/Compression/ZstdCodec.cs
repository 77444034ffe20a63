using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZstdSharp.Unsafe;

namespace PageFold.Compression;

/// <summary>Zstandard by ZstdSharp.Port, without magic number, content size and checksum, which a page does not need.</summary>
/// <remarks>All contexts share one digested dictionary.</remarks>
internal sealed unsafe class ZstdCodec : PageCodec
{
    public const int DefaultLevel = 3;
    public const int LowestLevel = -7;
    public const int HighestLevel = 22;

    // Pages up to this size are compressed with a reference to the dictionary's tables, at every level.
    private const int AlwaysReferring = 8 << 10;

    private readonly int _level;

    // The only copy of the dictionary's bytes. It is pinned, and both digested forms refer to it.
    private readonly byte[] _dictionary;
    private ZSTD_CDict_s* _compressDictionary;
    private ZSTD_DDict_s* _decompressDictionary;
    private readonly long _pressure;

    /// <param name="level">The level.</param>
    /// <param name="dictionary">The dictionary, which is copied; empty for none.</param>
    public ZstdCodec(int level, ReadOnlySpan<byte> dictionary)
        : this(level, Copy(dictionary))
    {
    }

    /// <param name="level">The level.</param>
    /// <param name="dictionary">The dictionary, in an array from <see cref="AllocateDictionary"/>, which the codec owns from now on; empty
    /// for none.</param>
    public ZstdCodec(int level, byte[] dictionary)
    {
        CodecThrow.IfLevelInvalid(level, LowestLevel, HighestLevel);
        _level = level;
        _dictionary = dictionary;
        if (dictionary.Length == 0)
            return;
        byte* bytes = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(dictionary));
        _compressDictionary = Methods.ZSTD_createCDict_byReference(bytes, (nuint)dictionary.Length, level);
        _decompressDictionary = Methods.ZSTD_createDDict_byReference(bytes, (nuint)dictionary.Length);
        if (_compressDictionary is null || _decompressDictionary is null)
            throw new ArgumentException(
                $"Zstandard refuses the dictionary of {dictionary.Length} bytes; train one, or pass typical content.", nameof(dictionary));
        long digested = (long)Methods.ZSTD_sizeof_CDict(_compressDictionary) + (long)Methods.ZSTD_sizeof_DDict(_decompressDictionary);
        SharedBytes = dictionary.Length + digested;
        // The collector frees unused codecs but does not see their native memory, so report it.
        GC.AddMemoryPressure(digested);
        _pressure = digested;
    }

    ~ZstdCodec()
    {
        _ = Methods.ZSTD_freeCDict(_compressDictionary);
        _ = Methods.ZSTD_freeDDict(_decompressDictionary);
        _compressDictionary = null;
        _decompressDictionary = null;
        if (_pressure > 0)
            GC.RemoveMemoryPressure(_pressure);
    }

    public override string Name => "zstd";

    internal override string ShownName => string.Create(CultureInfo.InvariantCulture, $"{Name}:{_level}");

    public override string Implementation => "ZstdSharp.Port " + typeof(Methods).Assembly.GetName().Version!.ToString(3);

    public override long SharedBytes { get; }

    public override int MaxCompressedLength(int pageSize) => (int)Methods.ZSTD_compressBound((nuint)pageSize);

    public override PageCodecContext CreateContext(int pageSize) => new Context(this, pageSize);

    /// <summary>The maximum of <see cref="SharedBytes"/> and of what making the codec takes, by the library's own estimate.</summary>
    public static long MaxSharedBytes(int level, int dictionaryLength) => dictionaryLength == 0 ? 0
        : (long)Methods.ZSTD_estimateCDictSize((nuint)dictionaryLength, level)
            + (long)Methods.ZSTD_estimateDDictSize((nuint)dictionaryLength, ZSTD_dictLoadMethod_e.ZSTD_dlm_byRef);

    /// <summary>Allocates a pinned array for a dictionary.</summary>
    public static byte[] AllocateDictionary(int length) => length == 0 ? [] : GC.AllocateUninitializedArray<byte>(length, pinned: true);

    /// <summary>The library's estimate of a context.</summary>
    /// <remarks>
    /// Where pages are small compared with the dictionary, a context refers to the dictionary's tables. For larger pages, at some levels,
    /// it holds a copy, as large as the tables.
    /// </remarks>
    internal override long MaxContextBytes(int pageSize)
    {
        long compressor = EstimateCompressor(pageSize, 0);
        if (pageSize > AlwaysReferring)
            compressor = Math.Max(compressor, EstimateCompressor(pageSize, _dictionary.Length));
        return compressor + (long)Methods.ZSTD_estimateDCtxSize();
    }

    internal override CodecDescription Describe(int pageSize) => new(Name, _level, _dictionary);

    private long EstimateCompressor(int pageSize, int dictionaryLength) =>
        (long)Methods.ZSTD_estimateCCtxSize_usingCParams(Methods.ZSTD_getCParams(_level, (ulong)pageSize, (nuint)dictionaryLength));

    private static byte[] Copy(ReadOnlySpan<byte> dictionary)
    {
        byte[] copy = AllocateDictionary(dictionary.Length);
        dictionary.CopyTo(copy);
        return copy;
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
            // The library's own headers have no public name for the format parameter either.
            const int Magicless = (int)ZSTD_format_e.ZSTD_f_zstd1_magicless;
            Check(Methods.ZSTD_CCtx_setParameter(_compressor, ZSTD_cParameter.ZSTD_c_experimentalParam2, Magicless));
            Check(Methods.ZSTD_DCtx_setParameter(_decompressor, ZSTD_dParameter.ZSTD_d_experimentalParam1, Magicless));
            if (codec._compressDictionary is not null)
            {
                Check(Methods.ZSTD_CCtx_refCDict(_compressor, codec._compressDictionary));
                Check(Methods.ZSTD_DCtx_refDDict(_decompressor, codec._decompressDictionary));
            }
            // The first page allocates the workspace. Do that now, so that Bytes includes it.
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
