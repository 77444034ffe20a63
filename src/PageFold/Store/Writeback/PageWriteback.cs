using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;
using PageFold.Store.Log;

namespace PageFold.Store.Writeback;

/// <summary>
/// Moves pages from memory to the writeback file. A batch of stored bytes is copied and written while nothing is held. Then each page's
/// slot is taken, and if it still holds exactly what was copied, it is given the record's position and the object goes; otherwise the
/// record is dead. Thread-safe.
/// </summary>
/// <remarks>
/// Two locks, taken outside the rundown gate: <c>_turn</c> for a whole run, and inside it <c>_working</c> for one batch, so that a write
/// that finds no memory waits for a batch and not for the end of a run.
/// </remarks>
internal sealed unsafe class PageWriteback : IReclaim
{
    // A walk that finds nothing leaves the gate after so many leaves.
    private const int MaxLeavesInsideGate = 256;

    private static readonly WritebackSelection AnyPage = new();

    private readonly Lock _turn = new();
    private readonly Lock _working = new();
    private readonly PageIndex _index;
    private readonly CodecStreams _streams;
    private readonly WritebackLog _log;
    private readonly SegmentCleaner _cleaner;

    // Of all direct reclaims: writes at the limit allocate nothing on the GC heap.
    private readonly WritebackRun _reclaims;
    private long _rounds;

    // The pages at which direct reclaims and writebacks in steps go on. Both go round over the page numbers like the hand of a clock, so
    // every page is passed once before one is examined again.
    private long _reclaimHand;
    private long _stepHand;

    public PageWriteback(PageIndex index, CodecStreams streams, WritebackLog log, bool isDirect)
    {
        _index = index;
        _streams = streams;
        _log = log;
        _cleaner = new SegmentCleaner(index, log, isDirect);
        _reclaims = new WritebackRun(log, AnyPage);
        IsDirect = isDirect;
    }

    /// <summary>Held by the run that is going on. For tests.</summary>
    internal Lock Turn => _turn;

    public bool IsDirect { get; }

    public long Rounds => Volatile.Read(ref _rounds);

    /// <summary>Moves pages that meet the conditions: see <see cref="PageStore.WriteBack"/>. The caller has checked them.</summary>
    public WritebackResult Run(WritebackSelection selection, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        _streams.RefuseReentry();
        lock (_turn)
        {
            long from = 0;
            return Run(selection, progress, ref from, cancellationToken);
        }
    }

    public WritebackResult WriteBackOnwards(long bytes, CancellationToken cancellationToken)
    {
        _streams.RefuseReentry();
        lock (_turn)
            return Run(new WritebackSelection { MaxBytes = bytes }, progress: null, ref _stepHand, cancellationToken);
    }

    public bool TryReclaim(long seen, out bool mayTryAgain)
    {
        lock (_working)
        {
            mayTryAgain = true;
            if (_rounds != seen)
                return true;
            _reclaims.Restart();
            PageWalk walk = new(pages: 0, progress: null) { From = _reclaimHand };
            bool wrapped = _reclaimHand == 0;
            bool more = true;
            while (more && _reclaims.Pages == 0)
            {
                more = TryWriteBatch(ref walk, _reclaims);
                if (more || _reclaims.Pages > 0 || _reclaims.Stopped != WritebackStop.Finished || wrapped)
                    continue;
                wrapped = more = true;
                walk.From = 0;
            }
            _reclaimHand = walk.From > PageIndex.MaxPage ? 0 : walk.From;
            mayTryAgain = _reclaims.Skipped > 0;
            if (_reclaims.Pages == 0)
                return false;
            Volatile.Write(ref _rounds, _rounds + 1);
            return true;
        }
    }

    /// <param name="selection">Which pages.</param>
    /// <param name="progress">Receives the part of the pages that has been examined.</param>
    /// <param name="hand">The page to begin with; afterwards the one to go on with.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    private WritebackResult Run(WritebackSelection selection, IProgress<double>? progress, ref long hand,
        CancellationToken cancellationToken)
    {
        WritebackRun run = new(_log, selection);
        PageWalk walk = new(_index.Counters.Read(StoreCounter.Pages), progress) { From = hand };
        bool isLastRound = walk.From == 0;
        bool more = true;
        while (more)
        {
            more = TryStep(ref walk, run);
            walk.Report();
            if (!more && run.Stopped == WritebackStop.Finished && !isLastRound)
            {
                isLastRound = more = true;
                walk.From = 0;
            }
            if (more && cancellationToken.IsCancellationRequested)
            {
                run.Stopped = WritebackStop.Cancelled;
                break;
            }
        }
        hand = walk.From > PageIndex.MaxPage ? 0 : walk.From;
        progress?.Report(1);
        return run.Result;
    }

    /// <summary>
    /// Writes a batch of pages; false when that was the last. Between two batches, writes that find no memory have the log.
    /// </summary>
    private bool TryStep(ref PageWalk walk, WritebackRun run)
    {
        lock (_working)
        {
            long before = run.Pages;
            bool more = TryWriteBatch(ref walk, run);
            // Writes that have waited for the batch try again before they move pages of their own.
            if (run.Pages > before)
                Volatile.Write(ref _rounds, _rounds + 1);
            return more;
        }
    }

    /// <summary>Writes a batch of pages that meet the conditions; false when that was the last.</summary>
    private bool TryWriteBatch(ref PageWalk walk, WritebackRun run)
    {
        using RundownGate.Entry entry = _index.Enter();
        int leaves = MaxLeavesInsideGate;
        // Room in the file is made only if there is a page for it.
        if (!TryFind(ref walk, run, entry.Stripe, ref leaves))
            return leaves == 0;
        if (!_cleaner.TryOpenSegment(run, entry.Stripe))
            return false;
        WritebackBatch batch = _log.Batch;
        batch.Clear();
        Collect(ref walk, run, entry.Stripe, ref leaves);
        if (batch.Count == 0)
            return run.Stopped == WritebackStop.Finished;
        long position = 0;
        if (!run.TryAppend(batch.Buffer[..batch.Length], ref position))
            return false;
        foreach (ref readonly BatchEntry record in batch.Entries)
        {
            _index.Counters.Add(entry.Stripe, StoreCounter.WritebackWrites, 1);
            long at = position + (record.Offset >> RecordFormat.UnitShift);
            if (_index.TryMoveToRecord(record, batch.Record(record), at, entry.Stripe))
                run.Count(SlotWord.Size(record.Word));
            else
                run.Skipped++;
        }
        return run.Stopped == WritebackStop.Finished;
    }

    /// <summary>
    /// Goes on to the next page that meets the conditions. False if there is none, or if so many leaves have passed that other operations
    /// must have a chance to be alone: then <paramref name="leaves"/> is zero.
    /// </summary>
    private bool TryFind(ref PageWalk walk, WritebackRun run, int stripe, ref int leaves)
    {
        while (leaves > 0 && _index.TryFindLeaf(walk.From, PageIndex.MaxPage + 1, stripe, out Leaf leaf))
        {
            for (int place = 0; leaf.TryNext(ref place); place++)
            {
                walk.From = leaf.First + place;
                if (IsWanted(leaf.Word(place), (uint)walk.From, run))
                    return true;
                walk.Passed++;
            }
            walk.From = leaf.End;
            leaves--;
        }
        return false;
    }

    private bool IsWanted(ulong word, uint page, WritebackRun run) =>
        SlotWord.HoldsObject(word) && (!run.Selection.OnlyIncompressible || SlotWord.Size(word) == _index.PageSize)
            && _index.IsOld(page, run.Selection.MinAge);

    /// <summary>Copies pages to the batch, as many as there is room for, in it, in the open segment and in what may be written.</summary>
    private void Collect(ref PageWalk walk, WritebackRun run, int stripe, ref int leaves)
    {
        WritebackBatch batch = _log.Batch;
        long mayWrite = _log.Writes.Left;
        long mayLeave = (run.Selection.MaxBytes ?? long.MaxValue) - run.Bytes;
        while (TryFind(ref walk, run, stripe, ref leaves))
        {
            using PinnedPage page = _index.Pin((uint)walk.From);
            if (!page.IsStored || !IsWanted(page.Word, page.Number, run))
                continue;
            int size = page.Size;
            byte* record = batch.Next(size);
            if (record is null || batch.Length + RecordFormat.Bytes(size) > _log.Room)
                return;
            bool withinBudget = batch.Length + RecordFormat.Bytes(size) <= mayWrite;
            if (!withinBudget || size > mayLeave)
            {
                // What is in the batch is still written.
                run.Stopped = withinBudget ? WritebackStop.MaxBytes : WritebackStop.DailyBudget;
                return;
            }
            // A damaged page stays in memory: the file must not make it look like the file's own fault.
            if (TryCopyRecord(page, record))
            {
                batch.Add(page.Number, page.Word);
                mayLeave -= size;
            }
            else
            {
                run.Skipped++;
            }
            walk.From++;
            walk.Passed++;
        }
    }

    private bool TryCopyRecord(in PinnedPage page, byte* record)
    {
        byte* bytes = record + RecordFormat.HeaderBytes;
        bool whole = _index.TryCopyStored(page, bytes, scratch: bytes, out uint checksum);
        *(ulong*)record = page.Number | (ulong)checksum << 32;
        return whole;
    }
}
