using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Mapping;

/// <summary>
/// Windows of two adjacent virtual pages, made once and checked out exclusively, through which straddling objects of an arena over a memory file are seen in one piece. Thread-safe.
/// </summary>
/// <remarks>
/// A window that the system has refused to set or to clear is never used again, and its addresses are left alone: a refused call may have unmapped them, and somebody else may live there by now.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class MapWindows : IDisposable
{
    private const int WindowsPerProcessor = 4;
    private const int PagesPerWindow = 2;

    // Its number and its mark.
    private const long BytesPerWindow = sizeof(int) + sizeof(bool);

    private readonly FrameArena _arena;
    private readonly byte* _base;
    private readonly int[] _numbers;

    // Those that were refused once.
    private readonly bool[] _lost;
    private Latch _latch;
    private int _free;

    private MapWindows(FrameArena arena, byte* windows, int count)
    {
        _arena = arena;
        _base = windows;
        _numbers = [.. Enumerable.Range(0, count)];
        _lost = new bool[count];
        _free = count;
    }

    private nuint WindowBytes => PagesPerWindow * (nuint)_arena.FrameSize;

    /// <summary>Reserves the addresses of the windows.</summary>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    public static MapWindows Reserve(FrameArena arena)
    {
        int count = WindowsPerProcessor * Environment.ProcessorCount;
        if (!arena.Budget.TryCharge(count * BytesPerWindow))
            Throw.LimitTooSmall(arena.MemoryLimit, arena.FrameSize);
        nuint length = (nuint)count * PagesPerWindow * (nuint)arena.FrameSize;
        nint address = LibC.mmap(0, length, LibC.PROT_NONE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
        if (address == LibC.MapFailed)
        {
            arena.Budget.Release(count * BytesPerWindow);
            Throw.ReservationFailed((long)length, Marshal.GetLastPInvokeErrorMessage());
        }
        return new MapWindows(arena, (byte*)address, count);
    }

    /// <summary>Has a window show an object; false, and then it has to be copied, if none is free or the system refuses.</summary>
    /// <param name="view">The object, which straddles two frames and is kept from moving.</param>
    /// <param name="number">The window's, for <see cref="Unmap"/>.</param>
    /// <param name="bytes">The object in one piece.</param>
    public bool TryMap(in ObjectView view, out int number, out byte* bytes)
    {
        bytes = null;
        LinuxPageTables port = Port(-1);
        uint first = _arena.FrameAt(view.First);
        if (!WindowProtocol.TryMap(ref port, first, _arena.FrameAt(view.Second)))
        {
            number = -1;
            return false;
        }
        number = port.Number;
        if (port.Refused)
        {
            Lose(number);
            return false;
        }
        bytes = At(number) + (view.First - _arena.AddressOf(first));
        return true;
    }

    /// <summary>Clears a window and has it free for the next.</summary>
    public void Unmap(int number)
    {
        LinuxPageTables port = Port(number);
        WindowProtocol.Unmap(ref port);
    }

    /// <summary>Where a window is.</summary>
    public byte* At(int number) => _base + (nuint)number * WindowBytes;

    /// <summary>A free window's number; -1 if there is none.</summary>
    public int Take()
    {
        _latch.Enter();
        int number = _free > 0 ? _numbers[--_free] : -1;
        _latch.Exit();
        return number;
    }

    /// <summary>Has a window free for the next.</summary>
    public void Return(int number)
    {
        _latch.Enter();
        _numbers[_free++] = number;
        _latch.Exit();
    }

    /// <summary>Never has a window used again.</summary>
    public void Lose(int number) => _lost[number] = true;

    /// <summary>Gives everything back; no window is in use any more.</summary>
    public void Dispose()
    {
        Unreserve();
        _arena.Budget.Release(_numbers.Length * BytesPerWindow);
    }

    private LinuxPageTables Port(int number) => new(this, number, _arena.FileDescriptor, _arena.FrameShift, _arena.Budget.Faults);

    private void Unreserve()
    {
        for (int number = 0; number < _numbers.Length; number++)
        {
            if (!_lost[number])
                _ = LibC.munmap((nint)At(number), WindowBytes);
        }
    }
}
