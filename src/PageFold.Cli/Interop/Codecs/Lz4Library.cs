using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop.Codecs;

/// <summary>The system's liblz4: the fast mode and LZ4HC, which is denser and decompresses alike.</summary>
internal sealed unsafe class Lz4Library
{
    /// <summary>The lowest level of LZ4HC.</summary>
    public const int LowestLevel = 3;

    /// <summary>The highest level of LZ4HC.</summary>
    public const int HighestLevel = 12;

    private readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> _fast;
    private readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> _highCompression;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int> _decompress;
    private readonly int _fastStateBytes;
    private readonly int _highCompressionStateBytes;

    private Lz4Library(nint library)
    {
        _fast = (delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)Export("LZ4_compress_fast_extState");
        _highCompression = (delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)Export("LZ4_compress_HC_extStateHC");
        _decompress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int>)Export("LZ4_decompress_safe");
        _fastStateBytes = ((delegate* unmanaged[Cdecl]<int>)Export("LZ4_sizeofState"))();
        _highCompressionStateBytes = ((delegate* unmanaged[Cdecl]<int>)Export("LZ4_sizeofStateHC"))();
        Implementation = "liblz4 " + Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)Export("LZ4_versionString"))());

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library; null where the system has none.</summary>
    public static Lz4Library? Instance { get; } = NativeCodec.FindLibrary(
        NativeCodec.FileNames("liblz4.so.1", "liblz4.1.dylib", "liblz4.dll", "lz4.dll"), library => new Lz4Library(library));

    /// <summary>The library and its version.</summary>
    public string Implementation { get; }

    /// <summary>The fast mode.</summary>
    public PageCodec Fast() => new NativeCodec("lz4", Implementation, Bound, () => new Context(this, _fast, _fastStateBytes, setting: 1));

    /// <summary>LZ4HC.</summary>
    /// <param name="level"><see cref="LowestLevel"/> to <see cref="HighestLevel"/>.</param>
    public PageCodec HighCompression(int level) =>
        new NativeCodec("lz4hc", Implementation, Bound, () => new Context(this, _highCompression, _highCompressionStateBytes, level));

    private static int Bound(int pageSize) => pageSize + pageSize / 255 + 16;

    private sealed class Context(
        Lz4Library library,
        delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> compress,
        int stateBytes,
        int setting) : NativeContext(stateBytes)
    {
        // The constructor's parameter would be a field that is not read-only.
        private readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> _compress = compress;

        protected override int Compress(byte* page, int length, byte* target, int capacity) =>
            Math.Max(0, _compress(WorkingMemory, page, target, length, capacity, setting));

        protected override bool Decompress(byte* source, int length, byte* page, int pageLength) =>
            library._decompress(source, page, length, pageLength) == pageLength;
    }
}
