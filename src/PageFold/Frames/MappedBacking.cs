using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PageFold.Interop;

namespace PageFold.Frames;

/// <summary>Frames in one range of reserved address space on Linux: private anonymous memory, or a memory file (memfd).</summary>
/// <remarks>
/// Other mappings can show the pages of a memory file too. Single frames are committed by a touch, in batches by MADV_POPULATE_WRITE, and
/// given back by MADV_DONTNEED or, for the file, MADV_REMOVE. Where the kernel can, one call advises many runs. The kernel may not use huge
/// pages on its own: one of them would hold 2 MiB for a single frame in use. On request, private memory that is completely in use is
/// collapsed into huge pages.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class MappedBacking : FrameBacking
{
    private const int MaxRangesPerCall = 64;

    private static readonly int Self = LibC.pidfd_open(Environment.ProcessId);
    private static bool s_canBatch = Self >= 0;

    // Both are a PMD in the kernel's terms, on processors with pages of 4 KiB.
    private const int HugePage = 2 << 20;
    private const int SmallPage = 4096;

    private readonly nint _mapping;
    private readonly nuint _mappedLength;
    private readonly nint _base;
    private readonly int _descriptor = -1;
    private readonly byte** _segments;
    private bool _canPopulate = true;

    // The first frames, whose memory is kept, committed or not.
    private uint _prefaulted;
    private bool _isWhole;
    private bool _disposed;

    private MappedBacking(int frameShift, uint capacity, nint mapping, nuint mappedLength, int descriptor)
        : base(frameShift, capacity)
    {
        _mapping = mapping;
        _mappedLength = mappedLength;
        _base = descriptor < 0 ? (mapping + HugePage - 1) & -HugePage : mapping;
        _descriptor = descriptor;
        _segments = (byte**)NativeMemory.Alloc((nuint)sizeof(byte*));
        _segments[0] = (byte*)_base;
        bool canCollapse = descriptor < 0 && Environment.SystemPageSize == SmallPage;
        FramesPerHugePage = canCollapse && SystemHasHugePages() ? (uint)HugePage >> frameShift : 0;
    }

    public override uint Granularity => 1;

    public override int SegmentOverhead => 0;

    public override byte** Segments => _segments;

    public override int SegmentShift => 31;

    public override int Descriptor => _descriptor;

    /// <summary>Reserves address space; throws <see cref="InsufficientMemoryException"/> when the system refuses it.</summary>
    public static MappedBacking Reserve(int frameShift, uint capacity, bool shared)
    {
        // Private memory is aligned to a huge page.
        nuint length = ((nuint)capacity << frameShift) + (shared ? 0 : (nuint)HugePage);
        int descriptor = -1;
        int flags = LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE;
        if (shared)
        {
            descriptor = LibC.memfd_create("pagefold", LibC.MFD_CLOEXEC);
            if (descriptor < 0)
                FrameThrow.ReservationFailed((long)length, Marshal.GetLastPInvokeErrorMessage());
            if (LibC.ftruncate(descriptor, (long)length) != 0)
            {
                string reason = Marshal.GetLastPInvokeErrorMessage();
                _ = LibC.close(descriptor);
                FrameThrow.ReservationFailed((long)length, reason);
            }
            flags = LibC.MAP_SHARED | LibC.MAP_NORESERVE;
        }
        nint address = LibC.mmap(0, length, LibC.PROT_READ | LibC.PROT_WRITE, flags, descriptor, 0);
        if (address == LibC.MapFailed)
        {
            string reason = Marshal.GetLastPInvokeErrorMessage();
            if (descriptor >= 0)
                _ = LibC.close(descriptor);
            FrameThrow.ReservationFailed((long)length, reason);
        }
        _ = LibC.madvise(address, length, LibC.MADV_NOHUGEPAGE);
        _ = LibC.madvise(address, length, LibC.MADV_DONTDUMP);
        return new MappedBacking(frameShift, capacity, address, length, descriptor);
    }

    public override bool CanPrefault => true;

    public override bool TryPrefault(FrameRun run) => TryPopulate([run]) == 1;

    public override bool TryLetGo(FrameRun run) => TryDrop(run);

    public override void Keep(uint frames, bool isWhole) => (_prefaulted, _isWhole) = (frames, isWhole);

    public override bool TryCommit(ReadOnlySpan<FrameRun> runs)
    {
        if (_prefaulted > 0 && _isWhole && IsPrefaulted(runs))
            return true;
        if (TryPopulate(runs) == runs.Length)
            return true;
        // Parts of any run may have been committed before memory ran out.
        foreach (FrameRun run in runs)
            _ = Decommit([run]);
        return false;
    }

    /// <summary>Takes the memory of runs from the system and keeps its content; returns how many of the first runs are resident.</summary>
    private int TryPopulate(ReadOnlySpan<FrameRun> runs)
    {
        int done = _canPopulate ? Advise(runs, LibC.MADV_POPULATE_WRITE) : 0;
        // Kernels before 5.14 do not know the advice. There the first touch commits: one fault a page.
        if (done == runs.Length || _canPopulate && Marshal.GetLastPInvokeError() != LibC.EINVAL)
            return done;
        _canPopulate = false;
        foreach (FrameRun run in runs)
        {
            nint frame = Address(run.First);
            nint step = Environment.SystemPageSize;
            // An atomic addition of zero: another thread may be writing there already.
            for (nint offset = 0; offset < (nint)Bytes(run.Count); offset += step)
                Interlocked.Add(ref *(int*)(frame + offset), 0);
        }
        return runs.Length;
    }

    public override int Decommit(ReadOnlySpan<FrameRun> runs) => _prefaulted > 0
        ? DecommitBeyondPrefaulted(runs)
        : Advise(runs, _descriptor < 0 ? LibC.MADV_DONTNEED : LibC.MADV_REMOVE);

    public override uint FramesPerHugePage { get; }

    public override bool TryCollapse(FrameRun block)
    {
        // Huge pages are allowed only for this call: khugepaged, which fills holes, never gets the permission. Kernels before 6.1 refuse
        // MADV_COLLAPSE.
        _ = LibC.madvise(Address(block.First), HugePage, LibC.MADV_HUGEPAGE);
        bool collapsed = LibC.madvise(Address(block.First), HugePage, LibC.MADV_COLLAPSE) == 0;
        _ = LibC.madvise(Address(block.First), HugePage, LibC.MADV_NOHUGEPAGE);
        return collapsed;
    }

    /// <remarks>
    /// MADV_DONTNEED on a part of a huge page only unmaps that part; the memory stays until the kernel is short of it. MADV_FREE makes the
    /// kernel split the page at once.
    /// </remarks>
    public override void Split(FrameRun run)
    {
        nint address = Address(run.First);
        nuint length = Bytes(run.Count);
        if (LibC.madvise(address, length, LibC.MADV_FREE) == 0 || Marshal.GetLastPInvokeError() != LibC.EINVAL)
            return;
        // Locked memory refuses MADV_FREE. If that was the reason, unlock it; mlock2 locks it again when it is next touched.
        if (LibC.munlock(address, length) == 0 && LibC.madvise(address, length, LibC.MADV_FREE) == 0)
            _ = LibC.mlock2(address, length, LibC.MLOCK_ONFAULT);
    }

    public override long? CountResidentBytes(uint frames)
    {
        int page = Environment.SystemPageSize;
        const int PagesAtOnce = 16384;
        byte[] residency = new byte[PagesAtOnce];
        long resident = 0;
        nuint end = Bytes(frames);
        fixed (byte* vector = residency)
        {
            for (nuint offset = 0; offset < end; offset += (nuint)(PagesAtOnce * (long)page))
            {
                nuint length = nuint.Min(end - offset, (nuint)(PagesAtOnce * (long)page));
                if (LibC.mincore(_base + (nint)offset, length, vector) != 0)
                    return null;
                int pages = (int)((length + (nuint)page - 1) / (nuint)page);
                for (int i = 0; i < pages; i++)
                    resident += vector[i] & 1;
            }
        }
        return resident * page;
    }

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _ = LibC.munmap(_mapping, _mappedLength);
        if (_descriptor >= 0)
        {
            // A lost window may still map a page of the file and would keep the whole file.
            _ = LibC.ftruncate(_descriptor, 0);
            _ = LibC.close(_descriptor);
        }
        NativeMemory.Free(_segments);
    }

    /// <summary>Advises runs, in one call where the kernel takes several; returns how many of the first runs were advised.</summary>
    private int Advise(ReadOnlySpan<FrameRun> runs, int advice)
    {
        int done = 0;
        bool refused = false;
        bool unknown = false;
        LibC.IoVector* ranges = stackalloc LibC.IoVector[MaxRangesPerCall];
        while (s_canBatch && runs.Length - done > 1 && !refused)
        {
            int count = Math.Min(runs.Length - done, MaxRangesPerCall);
            nint bytes = 0;
            for (int i = 0; i < count; i++)
            {
                FrameRun run = runs[done + i];
                ranges[i] = new LibC.IoVector { Address = Address(run.First), Length = Bytes(run.Count) };
                bytes += (nint)Bytes(run.Count);
            }
            nint advised = LibC.process_madvise(Self, ranges, (nuint)count, advice);
            refused = advised != bytes;
            unknown = advised < 0 && Marshal.GetLastPInvokeError() is LibC.EINVAL or LibC.ENOSYS or LibC.EPERM;
            if (!refused)
                done += count;
        }
        // Single calls find the run that fails. Repeated advice does no harm.
        int first = done;
        while (done < runs.Length && LibC.madvise(Address(runs[done].First), Bytes(runs[done].Count), advice) == 0)
            done++;
        // Kernels before 6.13 accept few kinds of advice for many ranges, and sandboxes may forbid the call.
        if (unknown && done > first)
            s_canBatch = false;
        return done;
    }

    private bool IsPrefaulted(ReadOnlySpan<FrameRun> runs)
    {
        foreach (FrameRun run in runs)
        {
            if (run.First + run.Count > _prefaulted)
                return false;
        }
        return true;
    }

    private int DecommitBeyondPrefaulted(ReadOnlySpan<FrameRun> runs)
    {
        for (int done = 0; done < runs.Length; done++)
        {
            FrameRun run = runs[done];
            uint kept = Math.Min(run.Count, _prefaulted - Math.Min(run.First, _prefaulted));
            if (kept == run.Count)
                continue;
            if (!TryDrop(new FrameRun(run.First + kept, run.Count - kept)))
                return done;
        }
        return runs.Length;
    }

    /// <summary>Gives the memory of a run back, locked or not.</summary>
    /// <remarks>A process that prefaults usually locks its memory, and older kernels refuse MADV_DONTNEED on locked memory.</remarks>
    private bool TryDrop(FrameRun run)
    {
        if (_descriptor < 0)
            return Advise([run], LibC.MADV_DONTNEED_LOCKED) == 1 || Advise([run], LibC.MADV_DONTNEED) == 1;
        // On a file MADV_DONTNEED would only unmap the pages. A hole can be punched in locked pages too.
        const int Hole = LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE;
        return Advise([run], LibC.MADV_REMOVE) == 1
            || LibC.fallocate(_descriptor, Hole, (long)run.First << FrameShift, (long)Bytes(run.Count)) == 0;
    }

    /// <summary>False where the administrator has disabled huge pages.</summary>
    private static bool SystemHasHugePages()
    {
        try
        {
            return !File.ReadAllText("/sys/kernel/mm/transparent_hugepage/enabled").Contains("[never]", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private nint Address(uint frame) => _base + ((nint)frame << FrameShift);

    private nuint Bytes(uint frames) => (nuint)frames << FrameShift;
}
