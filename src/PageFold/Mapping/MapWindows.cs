using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Mapping;

/// <summary>Windows of two adjacent virtual pages that map straddling objects of an arena over a memory file in one piece.</summary>
/// <remarks>
/// All windows are reserved together and checked out exclusively. If the system refuses to set or to clear a window, the window is lost: it
/// is never used again and its addresses are left alone, because the failed call may have unmapped them and another mapping may be there by
/// now. Thread-safe.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class MapWindows : IDisposable
{
    private const int WindowsPerProcessor = 4;
    private const int PagesPerWindow = 2;

    // The number and the mark of a window.
    private const long BytesPerWindow = sizeof(int) + sizeof(bool);

    private readonly FrameArena _arena;
    private readonly byte* _base;
    private readonly int[] _numbers;

    // Marks the windows that are lost.
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
            FrameThrow.LimitTooSmall(arena.MemoryLimit, "object", arena.FrameSize);
        nuint length = (nuint)count * PagesPerWindow * (nuint)arena.FrameSize;
        nint address = LibC.mmap(0, length, LibC.PROT_NONE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
        if (address == LibC.MapFailed)
        {
            arena.Budget.Release(count * BytesPerWindow);
            FrameThrow.ReservationFailed((long)length, Marshal.GetLastPInvokeErrorMessage());
        }
        return new MapWindows(arena, (byte*)address, count);
    }

    /// <summary>Maps an object in a window; false if no window is free or the system refuses, and the caller has to copy.</summary>
    /// <param name="view">The object, which straddles two frames and is pinned.</param>
    /// <param name="number">The window's number, for <see cref="Unmap"/>.</param>
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

    /// <summary>Clears a window and returns it.</summary>
    public void Unmap(int number)
    {
        LinuxPageTables port = Port(number);
        WindowProtocol.Unmap(ref port);
    }

    /// <summary>The address of a window.</summary>
    public byte* At(int number) => _base + (nuint)number * WindowBytes;

    /// <summary>Takes a free window and returns its number; -1 if there is none.</summary>
    public int Take()
    {
        _latch.Enter();
        int number = _free > 0 ? _numbers[--_free] : -1;
        _latch.Exit();
        return number;
    }

    /// <summary>Makes a window free.</summary>
    public void Return(int number)
    {
        _latch.Enter();
        _numbers[_free++] = number;
        _latch.Exit();
    }

    /// <summary>Marks a window as lost: it is never used again.</summary>
    public void Lose(int number) => _lost[number] = true;

    /// <summary>Frees the address space; no window is in use any more.</summary>
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
