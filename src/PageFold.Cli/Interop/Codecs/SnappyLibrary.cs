using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop.Codecs;

/// <summary>The system's libsnappy, through its C functions. It does not tell its version.</summary>
internal sealed unsafe class SnappyLibrary
{
    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, int> _compress;
    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, int> _decompress;
    private readonly delegate* unmanaged[Cdecl]<nuint, nuint> _bound;

    private SnappyLibrary(nint library)
    {
        _compress = (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, int>)Export("snappy_compress");
        _decompress = (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, int>)Export("snappy_uncompress");
        _bound = (delegate* unmanaged[Cdecl]<nuint, nuint>)Export("snappy_max_compressed_length");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library; null where the system has none.</summary>
    public static SnappyLibrary? Instance { get; } = NativeCodec.FindLibrary(
        NativeCodec.FileNames("libsnappy.so.1", "libsnappy.1.dylib", "snappy.dll"), library => new SnappyLibrary(library));

    /// <summary>Snappy.</summary>
    public PageCodec Snappy() =>
        new NativeCodec("snappy", "libsnappy", pageSize => (int)_bound((nuint)pageSize), () => new Context(this));

    private sealed class Context(SnappyLibrary library) : NativeContext(workingBytes: 0)
    {
        protected override int Compress(byte* page, int length, byte* target, int capacity)
        {
            nuint written = (nuint)capacity;
            return library._compress(page, (nuint)length, target, &written) == 0 ? (int)written : 0;
        }

        protected override bool Decompress(byte* source, int length, byte* page, int pageLength)
        {
            nuint read = (nuint)pageLength;
            return library._decompress(source, (nuint)length, page, &read) == 0 && read == (nuint)pageLength;
        }
    }
}
