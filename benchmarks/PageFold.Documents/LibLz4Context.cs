using System.Runtime.InteropServices;

namespace PageFold.Documents;

/// <summary>The system's liblz4 with a dictionary.</summary>
/// <remarks>
/// The dictionary is loaded once. Each compression begins with a copy of the state after that, the fastest way with the functions that
/// every build of the library exports.
/// </remarks>
internal sealed unsafe class LibLz4Context : PageCodecContext
{
    private const int StateAlignment = 64;
    private const int Acceleration = 1;

    private readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> _compress;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, byte*, int, int> _decompress;
    private readonly nint _library;
    private readonly int _stateBytes;
    private readonly int _dictionaryLength;
    private byte* _dictionary;
    private void* _loaded;
    private void* _state;

    private LibLz4Context(nint library, ReadOnlySpan<byte> dictionary)
    {
        _library = library;
        _compress = (delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)Export("LZ4_compress_fast_continue");
        _decompress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, byte*, int, int>)Export("LZ4_decompress_safe_usingDict");
        _stateBytes = ((delegate* unmanaged[Cdecl]<int>)Export("LZ4_sizeofState"))();
        _dictionaryLength = dictionary.Length;
        _dictionary = (byte*)NativeMemory.Alloc((nuint)dictionary.Length);
        dictionary.CopyTo(new Span<byte>(_dictionary, dictionary.Length));
        _loaded = NativeMemory.AlignedAlloc((nuint)_stateBytes, StateAlignment);
        _state = NativeMemory.AlignedAlloc((nuint)_stateBytes, StateAlignment);
        NativeMemory.Clear(_loaded, (nuint)_stateBytes);
        _ = ((delegate* unmanaged[Cdecl]<void*, byte*, int, int>)Export("LZ4_loadDict"))(_loaded, _dictionary, dictionary.Length);
        Version = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)Export("LZ4_versionString"))()) ?? string.Empty;
    }

    /// <summary>The library's version.</summary>
    public string Version { get; }

    public override long Bytes => 2L * _stateBytes + _dictionaryLength;

    /// <summary>Makes a context; null where the system has no liblz4.</summary>
    public static LibLz4Context? TryMake(ReadOnlySpan<byte> dictionary) =>
        NativeLibrary.TryLoad(OperatingSystem.IsMacOS() ? "liblz4.1.dylib" : "liblz4.so.1", out nint library)
            ? new LibLz4Context(library, dictionary)
            : null;

    public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
    {
        NativeMemory.Copy(_loaded, _state, (nuint)_stateBytes);
        fixed (byte* from = page, to = destination)
            written = _compress(_state, from, to, page.Length, destination.Length, Acceleration);
        return written > 0;
    }

    public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
    {
        fixed (byte* from = source, to = page)
            return _decompress(from, to, source.Length, page.Length, _dictionary, _dictionaryLength) == page.Length;
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_state);
        NativeMemory.AlignedFree(_loaded);
        NativeMemory.Free(_dictionary);
        _state = null;
        _loaded = null;
        _dictionary = null;
        base.Dispose(disposing);
    }

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);
}
