using PageFold.Allocation;
using PageFold.Store.Index;
using PageFold.Store.Log;

namespace PageFold.Store.Writeback;

/// <summary>
/// Makes room in the writeback file. When no segment is free, the emptiest is read, and the records that live in it are appended to the log
/// again. A record lives if its page's slot names exactly its position; nothing in the record itself says where it begins or whether it
/// lives. Used by one thread at a time, inside the rundown gate.
/// </summary>
internal sealed unsafe class SegmentCleaner(PageIndex index, WritebackLog log, bool notesAhead)
{
    private const int MaxCleanedAtOnce = 16;

    /// <summary>Sees that the open segment has room for any page; false if there is none, and the run says why.</summary>
    public bool TryOpenSegment(WritebackRun run, int stripe)
    {
        int cleaned = 0;
        RoomMaker.Attempts attempts = index.Room.Begin();
        while (log.Room < log.Batch.MaxRecord || log.IsShort)
        {
            // Long before it is needed, so that a write at the limit is not refused for it.
            if (notesAhead && !log.TryNoteAhead())
                _ = index.Room.Begin().TryMakeRoom() && log.TryNoteAhead();
            WritebackStop outcome = log.IsShort ? WritebackStop.FileFull : log.TryOpenNext(forCleaning: false);
            bool again = outcome switch
            {
                WritebackStop.Finished => true,
                WritebackStop.NoMemory => attempts.TryMakeRoom(),
                _ => cleaned++ < MaxCleanedAtOnce && log.TryFindEmptiest(out uint segment) && TryClean(segment, run, stripe),
            };
            if (again)
                continue;
            if (run.Stopped == WritebackStop.Finished)
                run.Stopped = outcome;
            return false;
        }
        return true;
    }

    /// <summary>Moves what lives in a sealed segment to the open one; false if that failed.</summary>
    private bool TryClean(uint segment, WritebackRun run, int stripe)
    {
        int offset = 0;
        while (offset < WritebackLog.SegmentBytes && log.HoldsAny(segment))
        {
            log.Batch.Clear();
            int length = Math.Min(log.Batch.Buffer.Length, WritebackLog.SegmentBytes - offset);
            if (!run.TryRead(segment, offset, length, out int read))
                return false;
            long position = ((long)segment << WritebackLog.SegmentShift) + offset >> RecordFormat.UnitShift;
            int passed = GatherLiving(log.Batch, position, read);
            if (!TryAppendMoved(run, stripe))
                return false;
            // Past the end of a file that is too short there is nothing.
            offset = passed == 0 ? WritebackLog.SegmentBytes : offset + passed;
        }
        log.GiveUp(segment);
        return true;
    }

    /// <summary>
    /// Moves the records that live in the batch's buffer, which holds a stretch of the file, to its beginning; returns the bytes that are
    /// done with.
    /// </summary>
    private int GatherLiving(WritebackBatch batch, long position, int read)
    {
        const int Unit = 1 << RecordFormat.UnitShift;
        Span<byte> buffer = batch.Buffer;
        int at = 0;
        while (at + Unit <= read && !batch.IsFull)
        {
            uint page = BitConverter.ToUInt32(buffer[at..]);
            ulong word = SlotWord.Unlocked(index.Peek(page));
            if (!WrittenBack.Is(word) || WrittenBack.Position(word) != position + (at >> RecordFormat.UnitShift))
            {
                at += Unit;
                continue;
            }
            int bytes = RecordFormat.Bytes(SlotWord.Size(word));
            if (at + bytes > read)
                return at;
            buffer.Slice(at, bytes).CopyTo(buffer[batch.Length..]);
            batch.Add(page, word);
            at += bytes;
        }
        return at;
    }

    /// <summary>Appends the batch's records to the log, wherever there is room, and has the slots name them there.</summary>
    private bool TryAppendMoved(WritebackRun run, int stripe)
    {
        WritebackBatch batch = log.Batch;
        int first = 0;
        while (first < batch.Count)
        {
            int from = batch.Entries[first].Offset;
            int end = first;
            while (end < batch.Count && batch.Entries[end].Offset + batch.Entries[end].Bytes - from <= log.Room)
                end++;
            if (end == first)
            {
                run.Stopped = log.TryOpenNext(forCleaning: true);
                if (run.Stopped != WritebackStop.Finished)
                    return false;
                continue;
            }
            int length = batch.Entries[end - 1].Offset + batch.Entries[end - 1].Bytes - from;
            if (length > log.Writes.Left)
            {
                run.Stopped = WritebackStop.DailyBudget;
                return false;
            }
            long position = 0;
            if (!run.TryAppend(batch.Buffer.Slice(from, length), ref position))
                return false;
            for (; first < end; first++)
            {
                index.Counters.Add(stripe, StoreCounter.WritebackWrites, 1);
                int units = batch.Entries[first].Offset - from >> RecordFormat.UnitShift;
                index.MoveRecord(batch.Entries[first], position + units);
            }
        }
        return true;
    }
}
