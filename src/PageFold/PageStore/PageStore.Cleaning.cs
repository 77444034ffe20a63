using PageFold.Allocation;
using PageFold.Store;

namespace PageFold;

/// <summary>
/// Room in the writeback file. When no segment is free, the emptiest is read and the records that live in it, those whose page's slot names exactly them, are added to the log once more. Records bear no mark of
/// where they begin or whether they live: a slot that names the place says both.
/// </summary>
public sealed unsafe partial class PageStore
{
    private const int MostCleanedAtOnce = 16;

    /// <summary>Sees that the open segment has room for any page; false if there is none, and the run says why.</summary>
    private bool TryOpenSegment(WritebackRun work, int stripe)
    {
        int cleaned = 0;
        int rounds = 0;
        while (work.Log.Room < work.Log.Batch.LargestRecord || work.Log.IsShort)
        {
            // Long before it is needed, so that a write at the limit is not refused for it.
            if (work.Log.Reclaim is not null && !work.Log.TryNoteAhead())
                _ = TryMakeRoom(0) && work.Log.TryNoteAhead();
            WritebackStop outcome = work.Log.IsShort ? WritebackStop.FileFull : work.Log.TryOpenNext(forCleaning: false);
            bool again = outcome switch
            {
                WritebackStop.Finished => true,
                WritebackStop.NoMemory => rounds < MostRounds && TryMakeRoom(rounds++),
                _ => cleaned++ < MostCleanedAtOnce && work.Log.TryFindEmptiest(out uint segment) && TryClean(segment, work, stripe),
            };
            if (again)
                continue;
            if (work.Stopped == WritebackStop.Finished)
                work.Stopped = outcome;
            return false;
        }
        return true;
    }

    /// <summary>Moves what lives in a sealed segment to the open one; false if that failed.</summary>
    private bool TryClean(uint segment, WritebackRun work, int stripe)
    {
        int offset = 0;
        while (offset < WritebackLog.SegmentBytes && work.Log.HoldsAny(segment))
        {
            work.Log.Batch.Clear();
            int length = Math.Min(work.Log.Batch.Buffer.Length, WritebackLog.SegmentBytes - offset);
            if (!work.TryRead(segment, offset, length, out int read))
                return false;
            long position = ((long)segment << WritebackLog.SegmentShift) + offset >> WrittenBack.UnitShift;
            int passed = GatherLiving(work.Log.Batch, position, read);
            if (!TryAppendMoved(work, stripe))
                return false;
            // Past the end of a file that is too short there is nothing.
            offset = passed == 0 ? WritebackLog.SegmentBytes : offset + passed;
        }
        work.Log.GiveUp(segment);
        return true;
    }

    /// <summary>Moves the records that live in the batch's buffer, which holds a stretch of the file, to its beginning; returns the bytes that need not be looked at again.</summary>
    private int GatherLiving(WritebackBatch batch, long position, int read)
    {
        const int Unit = 1 << WrittenBack.UnitShift;
        Span<byte> buffer = batch.Buffer;
        int at = 0;
        while (at + Unit <= read && !batch.IsFull)
        {
            uint page = BitConverter.ToUInt32(buffer[at..]);
            ulong* slot = _slots.Find(page);
            ulong word = slot is null ? 0 : SlotWord.Unlocked(Volatile.Read(ref *slot));
            if (!WrittenBack.Is(word) || WrittenBack.Position(word) != position + (at >> WrittenBack.UnitShift))
            {
                at += Unit;
                continue;
            }
            int bytes = WrittenBack.RecordBytes(SlotWord.Size(word));
            if (at + bytes > read)
                return at;
            buffer.Slice(at, bytes).CopyTo(buffer[batch.Length..]);
            batch.Add(page, word);
            at += bytes;
        }
        return at;
    }

    /// <summary>Adds the batch's records to the log, wherever there is room, and has the slots name them there.</summary>
    private bool TryAppendMoved(WritebackRun work, int stripe)
    {
        WritebackBatch batch = work.Log.Batch;
        int first = 0;
        while (first < batch.Count)
        {
            int from = batch.Entries[first].Offset;
            int end = first;
            while (end < batch.Count && batch.Entries[end].Offset + batch.Entries[end].Bytes - from <= work.Log.Room)
                end++;
            if (end == first)
            {
                work.Stopped = work.Log.TryOpenNext(forCleaning: true);
                if (work.Stopped != WritebackStop.Finished)
                    return false;
                continue;
            }
            int length = batch.Entries[end - 1].Offset + batch.Entries[end - 1].Bytes - from;
            if (length > work.Log.Writes.Left)
            {
                work.Stopped = WritebackStop.DailyBudget;
                return false;
            }
            long position = 0;
            if (!work.TryAppend(batch.Buffer.Slice(from, length), ref position))
                return false;
            for (; first < end; first++)
            {
                _counters.Add(stripe, StoreCounter.WritebackWrites, 1);
                MoveInFile(batch.Entries[first], position + (batch.Entries[first].Offset - from >> WrittenBack.UnitShift), work.Log);
            }
        }
        return true;
    }

    /// <summary>Has a slot name a record's copy, if it still names the record. Waits for readers, so that the segment can go.</summary>
    private void MoveInFile(in BatchEntry entry, long position, WritebackLog log)
    {
        ulong* slot = _slots.Find(entry.Page);
        ulong word = SlotWord.AcquireExclusive(ref *slot);
        bool same = WrittenBack.Is(word) && WrittenBack.Position(word) == WrittenBack.Position(entry.Word);
        int size = SlotWord.Size(entry.Word);
        if (same)
            log.Add(position, size);
        SlotWord.ReleaseExclusive(ref *slot, same ? WrittenBack.SlotFor(word, position) : word);
        if (same)
            log.Remove(WrittenBack.Position(word), size);
    }
}
