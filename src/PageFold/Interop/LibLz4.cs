using System.Runtime.InteropServices;

namespace PageFold.Interop;

/// <summary>The system's own LZ4 library, where there is one.</summary>
/// <remarks>
/// It is searched once, by the name of its ABI, in the directories that the system trusts and beside the program. A missing library is no
/// error.
/// </remarks>
internal sealed unsafe class LibLz4
{
    /// <summary>Compresses with a state of the caller's; returns the result's length, zero if it does not fit.</summary>
    public readonly delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int> CompressWithState;

    /// <summary>Decompresses within the bounds of both buffers; returns the page's length, negative if the source is invalid.</summary>
    public readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int> Decompress;

    private LibLz4(nint library)
    {
        CompressWithState = (delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)Export("LZ4_compress_fast_extState");
        Decompress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int>)Export("LZ4_decompress_safe");
        StateBytes = ((delegate* unmanaged[Cdecl]<int>)Export("LZ4_sizeofState"))();
        Version = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)Export("LZ4_versionString"))()) ?? string.Empty;

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library; null where the system has none.</summary>
    public static LibLz4? Instance { get; } = Find();

    /// <summary>Bytes of a state.</summary>
    public int StateBytes { get; }

    public string Version { get; }

    private static string[] Names => OperatingSystem.IsWindows() ? ["liblz4.dll", "lz4.dll"]
        : OperatingSystem.IsMacOS() ? ["liblz4.1.dylib"]
        : ["liblz4.so.1"];

    private static LibLz4? Find()
    {
        const DllImportSearchPath Trusted = DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory;
        foreach (string name in Names)
        {
            if (!NativeLibrary.TryLoad(name, typeof(LibLz4).Assembly, Trusted, out nint library))
                continue;
            try
            {
                return new LibLz4(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Another library of that name, or a version without these functions.
                NativeLibrary.Free(library);
            }
        }
        return null;
    }
}
