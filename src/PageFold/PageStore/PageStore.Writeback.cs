using PageFold.Allocation;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

/// <summary>
/// Pages that leave memory for a file. A batch of stored bytes is copied and written while nothing is held; then each page's slot is taken, and if it still holds the very bytes that were copied, it is given the
/// record's position and the object goes. Otherwise the record is dead.
/// </summary>
public sealed unsafe partial class PageStore
{
    // A walk that finds nothing leaves the gate now and then.
    private const int MostLeavesInsideGate = 256;

    /// <summary>
    /// Moves pages from memory to the writeback file, as they are stored; same-filled ones stay. They are read from there, and stay there until they are written or discarded. Does not count as an access.
    /// Everybody may read, write and discard meanwhile; a second writeback waits for the first.
    /// </summary>
    /// <param name="selection">Which pages; null for all.</param>
    /// <param name="progress">Told now and then which part of the pages has been looked at, 0 to 1.</param>
    /// <param name="cancellationToken">Ends between two batches; what was done so far stays.</param>
    /// <exception cref="ArgumentOutOfRangeException">A condition is out of range.</exception>
    /// <exception cref="InvalidOperationException">The store has no writeback file, or pages are to be chosen by age and it does not track
    /// access, or a codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public WritebackResult WriteBack(WritebackSelection? selection = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        RunWriteback(selection ?? new WritebackSelection(), progress, goOn: false, cancellationToken);

    /// <summary>
    /// Moves so many bytes of pages to the file for one who needs room again and again: each call goes on where the one before ended, so that
    /// together they pass the pages once and not once each.
    /// </summary>
    internal WritebackResult WriteBackOnwards(long bytes, CancellationToken cancellationToken) =>
        RunWriteback(new WritebackSelection { MostBytes = bytes }, progress: null, goOn: true, cancellationToken);

    private WritebackResult RunWriteback(WritebackSelection selection, IProgress<double>? progress, bool goOn, CancellationToken cancellationToken)
    {
        Throw.IfNoWriteback(_writeback is not null);
        Throw.IfAgesUnknown(selection.MinAge, _access is not null);
        Throw.IfNegative(selection.MostBytes ?? 0, nameof(selection.MostBytes));
        _benches.RefuseReentry();
        lock (_writeback!.Turn)
        {
            WritebackRun work = new(_writeback, selection);
            PageWalk walk = new(_counters.Read(StoreCounter.Pages), progress) { From = goOn ? _writeback.Hand : 0 };
            bool isLastRound = walk.From == 0;
            bool more = true;
            while (more)
            {
                more = TryWriteBackNext(ref walk, work);
                walk.Report();
                if (!more && work.Stopped == WritebackStop.Finished && !isLastRound)
                {
                    isLastRound = more = true;
                    walk.From = 0;
                }
                if (more && cancellationToken.IsCancellationRequested)
                {
                    work.Stopped = WritebackStop.Cancelled;
                    break;
                }
            }
            if (goOn)
                _writeback.Hand = walk.From > MaxPage ? 0 : walk.From;
            progress?.Report(1);
            return work.Result;
        }
    }

    /// <summary>
    /// Writes a batch of pages; false when that was the last. Between two batches writes that find no memory have the log: they do not wait
    /// for the end of a writeback.
    /// </summary>
    private bool TryWriteBackNext(ref PageWalk walk, WritebackRun work)
    {
        lock (work.Log.Working)
        {
            long before = work.Pages;
            bool more = TryWriteBackBatch(ref walk, work);
            // Writes that have waited for the batch try again before they move pages of their own.
            if (work.Pages > before && work.Log.Reclaim is { } reclaim)
                reclaim.Count++;
            return more;
        }
    }

    /// <summary>Writes a batch of pages that meet the conditions; false when that was the last.</summary>
    private bool TryWriteBackBatch(ref PageWalk walk, WritebackRun work)
    {
        int leaves = MostLeavesInsideGate;
        int stripe = _gate.Enter();
        try
        {
            // No room is made for nothing.
            if (!TryFindToWriteBack(ref walk, work, ref leaves))
                return leaves == 0;
            if (!TryOpenSegment(work, stripe))
                return false;
            WritebackBatch batch = work.Log.Batch;
            batch.Clear();
            CollectBatch(ref walk, work, ref leaves);
            if (batch.Count == 0)
                return work.Stopped == WritebackStop.Finished;
            long position = 0;
            if (!work.TryAppend(batch.Buffer[..batch.Length], ref position))
                return false;
            foreach (ref readonly BatchEntry entry in batch.Entries)
            {
                _counters.Add(stripe, StoreCounter.WritebackWrites, 1);
                if (TryMoveToFile(entry, position + (entry.Offset >> WrittenBack.UnitShift), work.Log, stripe))
                    work.Count(SlotWord.Size(entry.Word));
                else
                    work.Skipped++;
            }
            return work.Stopped == WritebackStop.Finished;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>
    /// Goes on to the next page that meets the conditions; false if there is none, or so many leaves have passed that others must have a
    /// chance to be alone: then none is left.
    /// </summary>
    private bool TryFindToWriteBack(ref PageWalk walk, WritebackRun work, ref int leaves)
    {
        while (leaves > 0 && walk.From <= MaxPage && _slots.NextExisting((uint)walk.From) is { } number)
        {
            ulong* slot = _slots.Find(number);
            walk.From = number;
            long endOfLeaf = (number | _slots.LeafLength - 1) + 1L;
            for (; walk.From < endOfLeaf; walk.From++, slot++)
            {
                ulong word = Volatile.Read(ref *slot);
                if (IsToWriteBack(word, (uint)walk.From, work))
                    return true;
                if (SlotWord.Kind(word) != SlotKind.Empty)
                    walk.Passed++;
            }
            leaves--;
            _leavesWalked++;
        }
        return false;
    }

    private bool IsToWriteBack(ulong word, uint page, WritebackRun work) =>
        SlotWord.HoldsObject(word) && (!work.Selection.OnlyIncompressible || SlotWord.Size(word) == PageSize) && IsOld(page, work.Selection.MinAge);

    /// <summary>Copies pages into the batch, as many as there is room for, in it, in the open segment and in what may be written.</summary>
    private void CollectBatch(ref PageWalk walk, WritebackRun work, ref int leaves)
    {
        WritebackBatch batch = work.Log.Batch;
        long mayWrite = work.Log.Writes.Left;
        long mayLeave = (work.Selection.MostBytes ?? long.MaxValue) - work.Bytes;
        while (TryFindToWriteBack(ref walk, work, ref leaves))
        {
            uint page = (uint)walk.From;
            ulong* slot = _slots.Find(page);
            if (!TryPin(ref *slot, out ulong word))
                continue;
            bool copied = false;
            try
            {
                if (!IsToWriteBack(word, page, work))
                    continue;
                int size = SlotWord.Size(word);
                byte* record = batch.Next(size);
                if (record is null || batch.Length + WrittenBack.RecordBytes(size) > work.Log.Room)
                    return;
                bool withinBudget = batch.Length + WrittenBack.RecordBytes(size) <= mayWrite;
                if (!withinBudget || size > mayLeave)
                {
                    // What is in the batch is written still.
                    work.Stopped = withinBudget ? WritebackStop.MostBytes : WritebackStop.DailyBudget;
                    return;
                }
                copied = TryCopyRecord(word, page, record);
                if (copied)
                {
                    batch.Add(page, word);
                    mayLeave -= size;
                }
                else
                {
                    work.Skipped++;
                }
            }
            finally
            {
                SlotWord.ReleaseShared(ref *slot);
            }
            walk.From++;
            walk.Passed++;
        }
    }

    /// <summary>Copies a pinned slot's page as a record; false if it is damaged, which the file must not make look like its own fault.</summary>
    private bool TryCopyRecord(ulong word, uint page, byte* record)
    {
        ObjectView view = _heap.View(word, out ulong* tag);
        byte* bytes = record + WrittenBack.HeaderBytes;
        *(ulong*)record = *tag;
        view.CopyTo(bytes);
        return (uint)*tag == page && CheckOf(new ReadOnlySpan<byte>(bytes, view.Length), page) == (uint)(*tag >> 32);
    }

    /// <summary>Has a slot name the record in place of the object, if the object still is what was written; never waits.</summary>
    private bool TryMoveToFile(in BatchEntry entry, long position, WritebackLog log, int stripe)
    {
        ulong* slot = _slots.Find(entry.Page);
        ulong word = Volatile.Read(ref *slot);
        int size = SlotWord.Size(entry.Word);
        // It may lie elsewhere by now.
        if (SlotWord.IsLocked(word) || !SlotWord.HoldsObject(word) || SlotWord.Size(word) != size || SlotWord.Codec(word) != SlotWord.Codec(entry.Word)
            || !SlotWord.TryAcquireExclusive(ref *slot, word))
        {
            return false;
        }
        ReadOnlySpan<byte> record = log.Batch.Record(entry);
        ObjectView view = _heap.View(word, out ulong* tag);
        bool same = *tag == BitConverter.ToUInt64(record) && view.FirstSpan.SequenceEqual(record.Slice(WrittenBack.HeaderBytes, view.FirstLength))
            && view.SecondSpan.SequenceEqual(record[(WrittenBack.HeaderBytes + view.FirstLength)..]);
        ulong after = word;
        if (same)
        {
            log.Add(position, size);
            after = WrittenBack.SlotFor(word, position);
        }
        Publish(ref *slot, word, after, stripe);
        if (!same)
            return false;
        _heap.Free(SlotWord.Location(word));
        return true;
    }

    /// <summary>Reads a page whose record a pinned slot names, and unpins it.</summary>
    private void LoadWrittenBack(ref ulong slot, ulong word, Workbench bench, uint page, Span<byte> destination, int stripe)
    {
        ReadOnlySpan<byte> stored = ReadRecord(ref slot, word, bench, page, stripe, out _);
        bool whole = !stored.IsEmpty;
        if (whole && stored.Length == PageSize)
            stored.CopyTo(destination);
        else if (whole)
            whole = bench.Context(SlotWord.Codec(word)).TryDecompress(stored, destination);
        if (whole)
            return;
        destination.Clear();
        Throw.PageIsCorrupt(page);
    }

    /// <summary>Reads the stored bytes of a record that a pinned slot names, and unpins it; nothing if they are damaged.</summary>
    private ReadOnlySpan<byte> ReadRecord(ref ulong slot, ulong word, Workbench bench, uint page, int stripe, out uint check)
    {
        Span<byte> record = bench.PackedSpan[..(WrittenBack.HeaderBytes + SlotWord.Size(word))];
        try
        {
            // While a slot that names it is held, a record stays where it is.
            _writeback!.ReadRecord(WrittenBack.Position(word), record, page);
        }
        finally
        {
            SlotWord.ReleaseShared(ref slot);
        }
        _counters.Add(stripe, StoreCounter.WritebackReads, 1);
        Span<byte> stored = record[WrittenBack.HeaderBytes..];
        check = BitConverter.ToUInt32(record[sizeof(uint)..]);
        return BitConverter.ToUInt32(record) == page && CheckOf(stored, page) == check ? stored : default;
    }
}
