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

    ~MapWindows() => Unreserve();

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
        if (_arena.Budget.Faults?.ShouldRefuse() == true || !TryTake(out number))
        {
            number = -1;
            return false;
        }
        byte* window = At(number);
        LinuxPageTables port = Port(window);
        WindowProtocol.Map(ref port, _arena.FrameAt(view.First), _arena.FrameAt(view.Second));
        if (port.Refused)
        {
            Lose(number);
            return false;
        }
        bytes = window + (view.First - _arena.AddressOf(_arena.FrameAt(view.First)));
        return true;
    }

    /// <summary>Clears a window and has it free for the next.</summary>
    public void Unmap(int number)
    {
        LinuxPageTables port = Port(At(number));
        WindowProtocol.Unmap(ref port);
        if (port.Refused)
            Lose(number);
        else
            Return(number);
    }

    /// <summary>Gives everything back; no window is in use any more.</summary>
    public void Dispose()
    {
        Unreserve();
        _arena.Budget.Release(_numbers.Length * BytesPerWindow);
        GC.SuppressFinalize(this);
    }

    private byte* At(int number) => _base + (nuint)number * WindowBytes;

    private LinuxPageTables Port(byte* window) => new(window, _arena.FileDescriptor, _arena.FrameShift);

    private bool TryTake(out int number)
    {
        _latch.Enter();
        bool any = _free > 0;
        number = any ? _numbers[--_free] : -1;
        _latch.Exit();
        return any;
    }

    private void Return(int number)
    {
        _latch.Enter();
        _numbers[_free++] = number;
        _latch.Exit();
    }

    private void Lose(int number) => _lost[number] = true;

    private void Unreserve()
    {
        for (int number = 0; number < _numbers.Length; number++)
        {
            if (!_lost[number])
                _ = LibC.munmap((nint)At(number), WindowBytes);
        }
    }
}
