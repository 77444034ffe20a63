using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop.Codecs;

/// <summary>The system's liblzo2: LZO1X-1, the algorithm of the kernel's lzo.</summary>
internal sealed unsafe class LzoLibrary
{
    // 16384 pointers.
    private const int PointersOfWorkingMemory = 16384;

    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, void*, int> _compress;
    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, void*, int> _decompress;

    private LzoLibrary(nint library)
    {
        _compress = (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, void*, int>)Export("lzo1x_1_compress");
        _decompress = (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint*, void*, int>)Export("lzo1x_decompress_safe");
        byte* version = ((delegate* unmanaged[Cdecl]<byte*>)Export("lzo_version_string"))();
        Implementation = "liblzo2 " + Marshal.PtrToStringUTF8((nint)version);

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library; null where the system has none.</summary>
    public static LzoLibrary? Instance { get; } = NativeCodec.FindLibrary(
        NativeCodec.FileNames("liblzo2.so.2", "liblzo2.2.dylib", "lzo2.dll"), library => new LzoLibrary(library));

    /// <summary>The library and its version.</summary>
    public string Implementation { get; }

    /// <summary>LZO1X-1.</summary>
    public PageCodec Lzo() => new NativeCodec("lzo", Implementation, Bound, () => new Context(this));

    private static int Bound(int pageSize) => pageSize + pageSize / 16 + 64 + 3;

    private sealed class Context(LzoLibrary library) : NativeContext(PointersOfWorkingMemory * sizeof(void*))
    {
        protected override int Compress(byte* page, int length, byte* target, int capacity)
        {
            // The library is told no capacity and relies on room for the worst case.
            if (capacity < Bound(length))
                return 0;
            nuint written = 0;
            return library._compress(page, (nuint)length, target, &written, WorkingMemory) == 0 ? (int)written : 0;
        }

        protected override bool Decompress(byte* source, int length, byte* page, int pageLength)
        {
            nuint read = (nuint)pageLength;
            return library._decompress(source, (nuint)length, page, &read, null) == 0 && read == (nuint)pageLength;
        }
    }
}
