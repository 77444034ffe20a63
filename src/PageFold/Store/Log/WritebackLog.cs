using PageFold.Frames;

namespace PageFold.Store.Log;

/// <summary>
/// The pages in the writeback file, as a log in segments of 1 MiB. Records are added to the open segment; a record that is overwritten or
/// discarded is dead where it lies, and each segment counts the bytes that are not. A sealed segment that has none is free again. When none
/// is free the emptiest is cleaned: what lives in it is added to the log once more. One segment is kept for that.
/// </summary>
/// <remarks>
/// Thread-safe: counting takes a lock of its own, for a few instructions. Opening, adding and cleaning are one batch's at a time. Who reads
/// a record holds its page's slot, so the record stays alive and its segment is neither given back nor written over.
/// </remarks>
internal sealed unsafe class WritebackLog : IDisposable
{
    public const int SegmentShift = 20;
    public const int SegmentBytes = 1 << SegmentShift;
    public const long MinFile = 4 << SegmentShift;

    private const int BlockShift = 7;
    private const uint None = uint.MaxValue;

    // Cleaning a fuller segment would write more than four bytes for each that it gains.
    private const int CleanableBelow = SegmentBytes / 4 * 3;

    // Where a write depends on the file, cleaning goes on as long as it gains anything worth a segment. BytesFor leaves an eighth of every
    // segment for that.
    private const int CleanableForReclaimBelow = SegmentBytes / 16 * 15;
    private const int SegmentsBesideData = 4;

    private readonly Lock _lock = new();
    private readonly MemoryBudget _budget;
    private readonly WritebackFile _file;
    private readonly BlockArray<Segment> _segments;
    private readonly uint _maxSegments;
    private readonly Action? _written;
    private readonly int _cleanableBelow;
    private uint _firstFree = None;
    private uint _free;
    private uint _count;
    private uint _open = None;

    private WritebackLog(MemoryBudget budget, WritebackFile file, long maxBytes, WritebackBudget writes, WritebackBatch batch,
        WritebackOptions options)
    {
        _budget = budget;
        _file = file;
        _maxSegments = (uint)(maxBytes - WritebackFile.HeaderBytes >> SegmentShift);
        _segments = new BlockArray<Segment>(budget, BlockShift);
        Writes = writes;
        Batch = batch;
        _written = options.Written;
        _cleanableBelow = options.DirectReclaim ? CleanableForReclaimBelow : CleanableBelow;
    }

    /// <summary>The file behind it. For tests.</summary>
    internal WritebackFile File => _file;

    /// <summary>What may still be written today.</summary>
    public WritebackBudget Writes { get; }

    /// <summary>Records on their way to the file.</summary>
    public WritebackBatch Batch { get; }

    /// <summary>Bytes left in the open segment.</summary>
    public int Room { get; private set; }

    /// <summary>Where the next record goes, in bytes.</summary>
    public long End => ((long)_open << SegmentShift) + SegmentBytes - Room;

    /// <summary>
    /// True if not even the segment is left that is kept for cleaning: a cleaning that failed has left it behind in the open one.
    /// </summary>
    public bool IsShort
    {
        get
        {
            lock (_lock)
                return Available == 0;
        }
    }

    /// <summary>Bytes of segments that hold something.</summary>
    public long FileBytes
    {
        get
        {
            lock (_lock)
                return (long)(_count - _free) << SegmentShift;
        }
    }

    /// <summary>
    /// Bytes of a file whose segments have room for the records of so many bytes of pages, with an eighth of each segment left for
    /// cleaning.
    /// </summary>
    /// <remarks>
    /// A sealed segment lacks at most one record. If the live records take seven eighths of what sealed segments surely hold, then the
    /// emptiest of them has an eighth that is dead, and cleaning it gains that much.
    /// </remarks>
    public static long BytesFor(long pageBytes, int pageSize)
    {
        long recordBytes = RecordFormat.Bytes(pageSize);
        long perSegment = (SegmentBytes - recordBytes) / 8 * 7;
        UInt128 live = (UInt128)(ulong)pageBytes * (ulong)recordBytes / (ulong)pageSize;
        UInt128 bytes = (live / (ulong)perSegment + 1 + SegmentsBesideData) * SegmentBytes + WritebackFile.HeaderBytes;
        return bytes > long.MaxValue ? long.MaxValue : (long)bytes;
    }

    /// <summary>Opens the file; null when there is no memory for the buffers.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or something else is in the file.</exception>
    public static WritebackLog? TryOpen(MemoryBudget budget, WritebackOptions options, int pageSize, TimeProvider time)
    {
        LogThrow.IfWritebackInvalid(options);
        if (!WritebackBatch.TryMake(budget, pageSize, out WritebackBatch? batch))
            return null;
        WritebackFile? file = null;
        WritebackLog? log = null;
        try
        {
            file = WritebackFile.Open(options.Path, options.Faults);
            long most = Math.Min(options.MaxBytes ?? WritebackOptions.MaxFileBytes, file.DeviceBytes ?? long.MaxValue);
            LogThrow.IfWritebackTooSmall(most, options.Path);
            if (options.Preallocate)
                file.Preallocate(most);
            log = new WritebackLog(budget, file, most, new WritebackBudget(options.DailyBudget, time), batch, options);
            // A write at the limit must not lack memory to note a segment. Of a file without a limit it notes as many as it needs, and a
            // block of them ahead.
            bool isBounded = options.MaxBytes is not null || file.DeviceBytes is not null;
            uint segments = options.DirectReclaim && isBounded ? log._maxSegments : 1;
            if (log.TryEnsureSegments(segments) && (!options.DirectReclaim || log.TryNoteAhead()))
                return log;
            log.Dispose();
            return null;
        }
        finally
        {
            if (log is null)
            {
                file?.Dispose();
                batch.Free(budget);
            }
        }
    }

    /// <summary>Reads a record whose page's slot the caller holds.</summary>
    /// <exception cref="WritebackReadException">The system failed to read, or the file is too short.</exception>
    public void ReadRecord(long position, Span<byte> record, long page)
    {
        int read;
        try
        {
            read = _file.Read(record, position << RecordFormat.UnitShift);
        }
        catch (IOException error)
        {
            LogThrow.WritebackUnreadable(page, _file.Path, error);
            return;
        }
        if (read != record.Length)
            LogThrow.WritebackUnreadable(page, _file.Path, null);
    }

    /// <summary>Reads a stretch of a segment; returns the bytes there were.</summary>
    public int ReadSegment(uint segment, int offset, Span<byte> bytes) => _file.Read(bytes, ((long)segment << SegmentShift) + offset);

    /// <summary>Adds records to the open segment, which has room for them; returns the first one's position.</summary>
    public long Append(ReadOnlySpan<byte> records)
    {
        long at = End;
        _file.Write(records, at);
        Room -= records.Length;
        _written?.Invoke();
        return at >> RecordFormat.UnitShift;
    }

    /// <summary>Seals the open segment and opens a free one.</summary>
    /// <param name="forCleaning">Takes the last one too.</param>
    public WritebackStop TryOpenNext(bool forCleaning)
    {
        bool empty = false;
        uint sealedSegment = _open;
        lock (_lock)
        {
            if (Available < (forCleaning ? 1 : 2))
                return WritebackStop.FileFull;
            uint number = _firstFree;
            if (number == None)
            {
                if (!_segments.TryEnsure(_count, out _))
                    return WritebackStop.NoMemory;
                number = _count++;
                // Who writes back is short of memory: while there is some, the next block is made long before it is needed.
                _ = TryNoteAhead();
            }
            else
            {
                _firstFree = At(number)->Next;
                _free--;
            }
            At(number)->State = SegmentState.Open;
            _open = number;
            Room = SegmentBytes;
            if (sealedSegment != None)
            {
                empty = At(sealedSegment)->Live == 0;
                At(sealedSegment)->State = empty ? SegmentState.Emptied : SegmentState.Sealed;
            }
        }
        if (empty)
            GiveBack(sealedSegment);
        return WritebackStop.Finished;
    }

    /// <summary>Counts a record as alive; before its position is published.</summary>
    public void Add(long position, int size)
    {
        lock (_lock)
            At(SegmentOf(position))->Live += RecordFormat.Bytes(size);
    }

    /// <summary>Counts a record as dead; no slot names it any more.</summary>
    public void Remove(long position, int size)
    {
        uint number = SegmentOf(position);
        lock (_lock)
        {
            Segment* segment = At(number);
            segment->Live -= RecordFormat.Bytes(size);
            if (segment->Live != 0 || segment->State is not (SegmentState.Sealed or SegmentState.Stuck))
                return;
            segment->State = SegmentState.Emptied;
        }
        GiveBack(number);
    }

    /// <summary>The emptiest segment that is worth cleaning.</summary>
    public bool TryFindEmptiest(out uint segment)
    {
        segment = None;
        int least = _cleanableBelow;
        lock (_lock)
        {
            for (uint number = 0; number < _count; number++)
            {
                if (At(number)->State != SegmentState.Sealed || At(number)->Live >= least)
                    continue;
                segment = number;
                least = At(number)->Live;
            }
        }
        return segment != None;
    }

    public bool HoldsAny(uint segment)
    {
        lock (_lock)
            return At(segment)->State == SegmentState.Sealed && At(segment)->Live > 0;
    }

    /// <summary>Leaves a segment alone until it is empty: what is left in it could not be moved.</summary>
    public void GiveUp(uint segment)
    {
        lock (_lock)
        {
            if (At(segment)->State == SegmentState.Sealed)
                At(segment)->State = SegmentState.Stuck;
        }
    }

    /// <summary>Closes the file; no thread reads or writes any more.</summary>
    public void Dispose()
    {
        _segments.Free();
        Batch.Free(_budget);
        _file.Dispose();
    }

    /// <summary>Sees that a block of segments beyond those in use can be noted; false when there is no memory for it.</summary>
    public bool TryNoteAhead() => _segments.TryEnsure((uint)Math.Min((long)_count + _segments.BlockLength, _maxSegments) - 1, out _);

    private bool TryEnsureSegments(uint count)
    {
        for (uint number = 0; number < count; number += _segments.BlockLength)
        {
            if (!_segments.TryEnsure(number, out _))
                return false;
        }
        return true;
    }

    private uint Available => _free + (_maxSegments - _count);

    private static uint SegmentOf(long position) => (uint)(position >> SegmentShift - RecordFormat.UnitShift);

    private Segment* At(uint number) => _segments.Find(number);

    private void GiveBack(uint number)
    {
        // Before it can be opened again.
        _file.Punch((long)number << SegmentShift, SegmentBytes);
        lock (_lock)
        {
            At(number)->State = SegmentState.Free;
            At(number)->Next = _firstFree;
            _firstFree = number;
            _free++;
        }
    }

    private enum SegmentState
    {
        Free,
        Open,
        Sealed,

        /// <summary>Sealed, and in vain cleaned.</summary>
        Stuck,

        /// <summary>On its way to the free ones.</summary>
        Emptied,
    }

    private struct Segment
    {
        public int Live;
        public SegmentState State;
        public uint Next;
    }
}
