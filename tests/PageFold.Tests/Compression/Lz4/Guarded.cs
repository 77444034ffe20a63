using PageFold.Interop;

namespace PageFold.Tests.Compression.Lz4;

/// <summary>Memory between two ranges that may not be touched: an access beyond an end stops the process.</summary>
internal sealed unsafe class Guarded : IDisposable
{
    private const int Unit = 64 << 10;

    private readonly nint _mapping;
    private readonly int _capacity;

    public Guarded(int capacity)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException(Reason);
        _capacity = (capacity + Unit - 1) & -Unit;
        _mapping = LibC.mmap(0, (nuint)(_capacity + 2 * Unit), LibC.PROT_NONE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
        Assert.NotEqual(-1, _mapping);
        nint inner = LibC.mmap(_mapping + Unit, (nuint)_capacity, LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_FIXED, -1, 0);
        Assert.Equal(_mapping + Unit, inner);
    }

    public static bool IsPossible => OperatingSystem.IsLinux();

    public static string Reason => "the tests map guard pages with mmap of Linux";

    /// <summary>The last bytes before the guard, or the first ones behind the other one.</summary>
    public Span<byte> Bytes(int length, bool atStart) =>
        new((byte*)_mapping + Unit + (atStart ? 0 : _capacity - length), length);

    /// <summary>A copy of bytes there.</summary>
    public Span<byte> Copy(ReadOnlySpan<byte> bytes, bool atStart)
    {
        Span<byte> place = Bytes(bytes.Length, atStart);
        bytes.CopyTo(place);
        return place;
    }

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
            Assert.Equal(0, LibC.munmap(_mapping, (nuint)(_capacity + 2 * Unit)));
    }
}
