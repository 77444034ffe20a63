using PageFold.Compression.Matching;
using PageFold.Interop;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Memory between pages that cannot be read or written: an access beyond it ends the process. On Linux only.</summary>
internal sealed unsafe class GuardedMemory : IDisposable
{
    private readonly nint _start;
    private readonly nuint _reserved;
    private readonly int _usable;

    /// <param name="bytes">The most bytes that are used at a time.</param>
    public GuardedMemory(int bytes)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("guard pages are made with the system calls of Linux");
        int page = Environment.SystemPageSize;
        _usable = Math.Max(page, (bytes + page - 1) / page * page);
        _reserved = (nuint)(_usable + 2 * page);
        _start = LibC.mmap(0, _reserved, LibC.PROT_NONE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
        Assert.NotEqual(LibC.MapFailed, _start);
        nint inside = LibC.mmap(_start + page, (nuint)_usable, LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_FIXED, -1, 0);
        Assert.Equal(_start + page, inside);
        Inside = inside;
    }

    /// <summary>The first byte.</summary>
    public nint Inside { get; }

    /// <summary>The last bytes, right before the guard page behind them.</summary>
    public Span<byte> AtEnd(int length) => new((byte*)Inside + _usable - length, length);

    /// <summary>The first bytes, right behind the guard page before them.</summary>
    public Span<byte> AtStart(int length) => new((byte*)Inside, length);

    public Span<byte> At(bool end, int length) => end ? AtEnd(length) : AtStart(length);

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
            _ = LibC.munmap(_start, _reserved);
    }

    public static void SkipUnlessPossible() =>
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Guard pages are made with the system calls of Linux.");
}

/// <summary>A context whose workspace has guard pages around each of its parts.</summary>
internal sealed class GuardedContext : IDisposable
{
    private readonly List<GuardedMemory> _parts = [];

    /// <param name="codec">The codec.</param>
    /// <param name="pageSize">The length for which the context is made.</param>
    /// <param name="atEnd">True if each part ends at a guard page, false if it begins at one.</param>
    public GuardedContext(PageCodec codec, int pageSize, bool atEnd)
    {
        MatchWorkspace.MakePart = Make;
        try
        {
            Context = codec.CreateContext(pageSize);
        }
        finally
        {
            MatchWorkspace.MakePart = null;
        }

        unsafe nint Make(int bytes)
        {
            GuardedMemory part = new(bytes);
            _parts.Add(part);
            fixed (byte* start = part.At(atEnd, bytes))
                return (nint)start;
        }
    }

    public PageCodecContext Context { get; }

    /// <summary>Guarded parts; zero if the codec's workspace is not one that has them.</summary>
    public int Parts => _parts.Count;

    public void Dispose()
    {
        Context.Dispose();
        _parts.ForEach(part => part.Dispose());
    }
}
