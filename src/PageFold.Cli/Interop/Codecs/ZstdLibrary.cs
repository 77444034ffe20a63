using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop.Codecs;

/// <summary>The system's libzstd, with frames that have no magic number, content size and checksum, as the library's own codec.</summary>
internal sealed unsafe class ZstdLibrary
{
    // The parameters' numbers are a part of the ABI. The format is the experimental one, which keeps its number too.
    private const int CompressionLevel = 100;
    private const int ContentSizeFlag = 200;
    private const int ChecksumFlag = 201;
    private const int DictionaryIdFlag = 202;
    private const int CompressorFormat = 10;
    private const int DecompressorFormat = 1000;
    private const int Magicless = 1;

    private readonly delegate* unmanaged[Cdecl]<void*> _createCompressor;
    private readonly delegate* unmanaged[Cdecl]<void*> _createDecompressor;
    private readonly delegate* unmanaged[Cdecl]<void*, nuint> _freeCompressor;
    private readonly delegate* unmanaged[Cdecl]<void*, nuint> _freeDecompressor;
    private readonly delegate* unmanaged[Cdecl]<void*, int, int, nuint> _setCompressor;
    private readonly delegate* unmanaged[Cdecl]<void*, int, int, nuint> _setDecompressor;
    private readonly delegate* unmanaged[Cdecl]<void*, byte*, nuint, byte*, nuint, nuint> _compress;
    private readonly delegate* unmanaged[Cdecl]<void*, byte*, nuint, byte*, nuint, nuint> _decompress;
    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;
    private readonly delegate* unmanaged[Cdecl]<nuint, nuint> _bound;

    private ZstdLibrary(nint library)
    {
        _createCompressor = (delegate* unmanaged[Cdecl]<void*>)Export("ZSTD_createCCtx");
        _createDecompressor = (delegate* unmanaged[Cdecl]<void*>)Export("ZSTD_createDCtx");
        _freeCompressor = (delegate* unmanaged[Cdecl]<void*, nuint>)Export("ZSTD_freeCCtx");
        _freeDecompressor = (delegate* unmanaged[Cdecl]<void*, nuint>)Export("ZSTD_freeDCtx");
        _setCompressor = (delegate* unmanaged[Cdecl]<void*, int, int, nuint>)Export("ZSTD_CCtx_setParameter");
        _setDecompressor = (delegate* unmanaged[Cdecl]<void*, int, int, nuint>)Export("ZSTD_DCtx_setParameter");
        _compress = (delegate* unmanaged[Cdecl]<void*, byte*, nuint, byte*, nuint, nuint>)Export("ZSTD_compress2");
        _decompress = (delegate* unmanaged[Cdecl]<void*, byte*, nuint, byte*, nuint, nuint>)Export("ZSTD_decompressDCtx");
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)Export("ZSTD_isError");
        _bound = (delegate* unmanaged[Cdecl]<nuint, nuint>)Export("ZSTD_compressBound");
        Implementation = "libzstd " + Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)Export("ZSTD_versionString"))());

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library; null where the system has none.</summary>
    public static ZstdLibrary? Instance { get; } = NativeCodec.FindLibrary(
        NativeCodec.FileNames("libzstd.so.1", "libzstd.1.dylib", "libzstd.dll"), library => new ZstdLibrary(library));

    /// <summary>The library and its version.</summary>
    public string Implementation { get; }

    /// <summary>Zstandard at a level.</summary>
    public PageCodec Zstd(int level) =>
        new NativeCodec("zstd", Implementation, pageSize => (int)_bound((nuint)pageSize), () => new Context(this, level));

    private sealed class Context : NativeContext
    {
        private readonly ZstdLibrary _library;
        private void* _compressor;
        private void* _decompressor;

        public Context(ZstdLibrary library, int level)
            : base(workingBytes: 0)
        {
            _library = library;
            _compressor = library._createCompressor();
            _decompressor = library._createDecompressor();
            if (_compressor is null || _decompressor is null)
                throw new InsufficientMemoryException("No memory for a Zstandard context.");
            Check(library._setCompressor(_compressor, CompressionLevel, level));
            Check(library._setCompressor(_compressor, ContentSizeFlag, 0));
            Check(library._setCompressor(_compressor, ChecksumFlag, 0));
            Check(library._setCompressor(_compressor, DictionaryIdFlag, 0));
            Check(library._setCompressor(_compressor, CompressorFormat, Magicless));
            Check(library._setDecompressor(_decompressor, DecompressorFormat, Magicless));
        }

        protected override int Compress(byte* page, int length, byte* target, int capacity)
        {
            nuint result = _library._compress(_compressor, target, (nuint)capacity, page, (nuint)length);
            return _library._isError(result) != 0 ? 0 : (int)result;
        }

        protected override bool Decompress(byte* source, int length, byte* page, int pageLength) =>
            _library._decompress(_decompressor, page, (nuint)pageLength, source, (nuint)length) == (nuint)pageLength;

        protected override void Dispose(bool disposing)
        {
            // The library takes null for a context that was not made.
            _ = _library._freeCompressor(_compressor);
            _ = _library._freeDecompressor(_decompressor);
            _compressor = null;
            _decompressor = null;
            base.Dispose(disposing);
        }

        private void Check(nuint result)
        {
            if (_library._isError(result) != 0)
                throw new InvalidOperationException($"{_library.Implementation} refuses a parameter.");
        }
    }
}
