using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PageFold.Nbd.Session;

namespace PageFold.Nbd.Interop;

/// <summary>
/// A fixed number of bytes outside the GC heap, for what one connection has in hand: what its client sends, the data of a slow request, or
/// replies on their way. Its memory is there from <see cref="TryHold"/> on and goes back to the system with <see cref="GiveBack"/>; to
/// dispose of it returns it to where it was taken from. One owner at a time.
/// </summary>
internal sealed unsafe class MemoryBlock : MemoryManager<byte>
{
    /// <summary>All of a slow request's data with its head, or two pieces of a longer reply.</summary>
    public const int Bytes = (128 << 10) + (4 << 10);

    private byte* _bytes;

    /// <summary>Who has taken it; null while it is not in use.</summary>
    public MemoryLease? Lease { get; set; }

    /// <summary>It is from the part that all connections share, and not one that its lease is sure of.</summary>
    public bool IsBorrowed { get; set; }

    /// <summary>When it came back, by <see cref="Environment.TickCount64"/>.</summary>
    public long ReturnedAt { get; set; }

    /// <summary>Takes its memory; false if the system has none.</summary>
    public bool TryHold()
    {
        if (_bytes is not null)
            return true;
        if (!OperatingSystem.IsLinux())
            _bytes = (byte*)NativeMemory.AlignedAlloc(Bytes, (nuint)Environment.SystemPageSize);
        else if (Map() is var address and not -1)
            _bytes = (byte*)address;
        return _bytes is not null;
    }

    public void GiveBack()
    {
        if (_bytes is null)
            return;
        if (OperatingSystem.IsLinux())
            _ = LibC.munmap((nint)_bytes, Bytes);
        else
            NativeMemory.AlignedFree(_bytes);
        _bytes = null;
    }

    public override Span<byte> GetSpan() => new(_bytes, Bytes);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin()
    {
        // It does not move.
    }

    protected override void Dispose(bool disposing) => Lease?.Recycle(this);

    [SupportedOSPlatform("linux")]
    private static nint Map() =>
        LibC.mmap(0, Bytes, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
}
