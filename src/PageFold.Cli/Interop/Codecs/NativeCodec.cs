using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop.Codecs;

/// <summary>A codec of a native library, for comparisons.</summary>
/// <param name="name">The codec's name, without a level.</param>
/// <param name="implementation">The library and its version.</param>
/// <param name="bound">The maximum length of the result for a page of so many bytes.</param>
/// <param name="createContext">Makes a context.</param>
internal sealed class NativeCodec(string name, string implementation, Func<int, int> bound, Func<PageCodecContext> createContext)
    : PageCodec
{
    public override string Name => name;

    public override string Implementation => implementation;

    public override int MaxCompressedLength(int pageSize) => bound(pageSize);

    public override PageCodecContext CreateContext(int pageSize) => createContext();

    /// <summary>Loads the first library that there is and that has the functions; null if there is none.</summary>
    /// <param name="names">The file names to try.</param>
    /// <param name="bind">Looks up the functions; throws <see cref="EntryPointNotFoundException"/> if one is missing.</param>
    public static T? FindLibrary<T>(string[] names, Func<nint, T> bind)
        where T : class
    {
        foreach (string name in names)
        {
            if (!NativeLibrary.TryLoad(name, typeof(NativeCodec).Assembly, DllImportSearchPath.SafeDirectories, out nint library))
                continue;
            try
            {
                return bind(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Another library of that name, or a version without these functions.
                NativeLibrary.Free(library);
            }
        }
        return null;
    }

    /// <summary>The file names of a library on this system.</summary>
    public static string[] FileNames(string linux, string macOS, params string[] windows) =>
        OperatingSystem.IsWindows() ? windows : OperatingSystem.IsMacOS() ? [macOS] : [linux];
}

/// <summary>A context of a native codec, with the working memory that the library asks for.</summary>
internal abstract unsafe class NativeContext : PageCodecContext
{
    private const int Alignment = 64;

    private void* _memory;

    /// <param name="workingBytes">The size of the working memory; it is zero at first.</param>
    protected NativeContext(int workingBytes)
    {
        Bytes = workingBytes;
        if (workingBytes == 0)
            return;
        _memory = NativeMemory.AlignedAlloc((nuint)workingBytes, Alignment);
        NativeMemory.Clear(_memory, (nuint)workingBytes);
    }

    ~NativeContext() => Dispose(disposing: false);

    public override long Bytes { get; }

    protected void* WorkingMemory => _memory;

    public sealed override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
    {
        fixed (byte* source = page, target = destination)
            written = Compress(source, page.Length, target, destination.Length);
        GC.KeepAlive(this);
        return written > 0;
    }

    public sealed override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
    {
        fixed (byte* packed = source, target = page)
        {
            bool done = Decompress(packed, source.Length, target, page.Length);
            GC.KeepAlive(this);
            return done;
        }
    }

    /// <summary>Compresses a page; returns the result's length, zero if it does not fit.</summary>
    protected abstract int Compress(byte* page, int length, byte* target, int capacity);

    /// <summary>Decompresses a page; false if the source is no result of <see cref="Compress"/>.</summary>
    protected abstract bool Decompress(byte* source, int length, byte* page, int pageLength);

    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        base.Dispose(disposing);
    }
}
