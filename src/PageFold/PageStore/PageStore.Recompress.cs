using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Interop;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

public sealed unsafe partial class PageStore
{
    /// <summary>
    /// Compresses stored pages once more with another codec, and keeps the result where it takes less memory. Does not count as an access. Everybody may read, write and discard meanwhile; whoever
    /// writes a page that is being recompressed waits for that one page.
    /// </summary>
    /// <param name="options">Which pages, and what with.</param>
    /// <param name="progress">Told now and then which part of the pages has been looked at, 0 to 1.</param>
    /// <param name="cancellationToken">Ends between two pages; what was done so far stays.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the codec says of its memory what cannot be; the message names
    /// it, its value and the remedy.</exception>
    /// <exception cref="InvalidOperationException">
    /// Pages are to be chosen by age and the store does not track access; or there are four codecs, all in use, and <see
    /// cref="RecompressionOptions.RetireOthers"/> is not set or could not move all pages of
    /// one yet, which the next run goes on with; or a snapshot is being taken and the codec is new; or a codec calls the store that it
    /// works for.
    /// </exception>
    /// <exception cref="MemoryLimitException">There is no memory for the codec's contexts; nothing has changed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the codec had a number.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed; what was done so far is gone with it.</exception>
    /// <remarks>
    /// An exception of the codec's own reaches the caller. Pages that were recompressed before stay so; the one at which it was thrown is
    /// as it was.
    /// </remarks>
    public RecompressionResult Recompress(RecompressionOptions options, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Throw.IfCodecMissing(options.Codec);
        Throw.IfAgesUnknown(options.MinAge, _access is not null);
        Throw.IfNegative(options.LeastStoredBytes, nameof(options.LeastStoredBytes));
        Throw.IfNegative(options.MostPages ?? 0, nameof(options.MostPages));
        Retirements retired = new(options.MostPages);
        Recompression work;
        // Before pages are moved to free a number.
        long bytesBefore = StoredBytes();
        int codec = options.RetireOthers ? HoldWithRetirement(options.Codec, retired, cancellationToken) : HoldCodec(options.Codec);
        try
        {
            work = new Recompression(options, codec);
            PageWalk walk = new(_counters.Read(StoreCounter.Pages), progress);
            while (!work.IsAtEnd && !cancellationToken.IsCancellationRequested && RecompressNext(ref walk, work))
                walk.Report();
            if (options.RetireOthers)
            {
                NoteLatest(codec, work.Recompressed);
                RetireEarlierDictionaries(codec, retired, cancellationToken);
            }
            progress?.Report(1);
        }
        finally
        {
            EndHold(codec);
        }
        if (options.RetireOthers)
            ForgetEmptied();
        return new RecompressionResult
        {
            Examined = work.Examined,
            Recompressed = work.Recompressed,
            WithoutGain = work.WithoutGain,
            Skipped = work.Skipped,
            BytesBefore = bytesBefore,
            BytesAfter = bytesBefore - work.BytesGained - retired.BytesGained,
            Moved = retired.Moved,
            NotMoved = retired.NotMoved,
            CodecsRetired = retired.Codecs,
        };
    }

    /// <summary>Bytes stored for all pages, in memory and in the writeback file, at one moment.</summary>
    private long StoredBytes()
    {
        StoreFigures figures = _counters.EnterAll();
        _counters.ExitAll();
        return figures[StoreCounter.CompressedBytes] + figures[StoreCounter.WrittenBackBytes];
    }

    /// <summary>Goes on to the next page that meets the conditions, or to the end of a leaf; false at the end of the table.</summary>
    /// <remarks>Enters and leaves the gate each time, so that tables can be trimmed and the store closed while a long recompression goes on.</remarks>
    private bool RecompressNext(ref PageWalk walk, Recompression work)
    {
        int stripe = _gate.Enter();
        try
        {
            if (walk.From > MaxPage || _slots.NextExisting((uint)walk.From) is not { } number)
                return false;
            ulong* slot = _slots.Find(number);
            walk.From = number;
            long endOfLeaf = (number | _slots.LeafLength - 1) + 1L;
            for (; walk.From < endOfLeaf; slot++)
            {
                uint page = (uint)walk.From++;
                ulong word = Volatile.Read(ref *slot);
                if (SlotWord.Kind(word) == SlotKind.Empty)
                    continue;
                walk.Passed++;
                if (!IsToRecompress(word, page, work))
                    continue;
                RecompressPage(slot, page, work, stripe);
                break;
            }
            return true;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private bool IsToRecompress(ulong word, uint page, Recompression work)
    {
        if (work.Leaving is { } leaving)
            return IsToMove(word, leaving);
        RecompressionOptions options = work.Options;
        if (!SlotWord.HoldsObject(word) || SlotWord.Size(word) < options.LeastStoredBytes || SlotWord.IsSettled(word) && !options.RetrySettled)
            return false;
        bool raw = SlotWord.Size(word) == PageSize;
        return (raw || !options.OnlyIncompressible && SlotWord.Codec(word) != work.Codec) && IsOld(page, options.MinAge);
    }

    private bool IsOld(uint page, TimeSpan? least) => least is null || (AgeOf(page) ?? AccessTimes.MaxAge) >= least;

    private void RecompressPage(ulong* slot, uint page, Recompression work, int stripe)
    {
        RecompressionOutcome outcome = TryConvert(slot, page, work, stripe);
        // Room is made between two attempts, when nothing is held that others wait for.
        for (int round = 0; outcome == RecompressionOutcome.NoMemory && round < MostRounds && TryMakeRoom(round); round++)
        {
            // Looked up anew: making room may have given the slot's part of the table back.
            slot = _slots.Find(page);
            outcome = slot is null ? RecompressionOutcome.Skipped : TryConvert(slot, page, work, stripe);
        }
        if (outcome == RecompressionOutcome.NoMemory)
            work.ShortAt = page;
        work.Count(outcome);
    }

    private RecompressionOutcome TryConvert(ulong* slot, uint page, Recompression work, int stripe) =>
        work.Leaving is null ? TryRecompress(slot, page, work, stripe) : TryMove(slot, page, work, stripe);

    private RecompressionOutcome TryRecompress(ulong* slot, uint page, Recompression work, int stripe)
    {
        Workbench bench = _benches.Take(stripe);
        bool pinned = false;
        try
        {
            pinned = TryPin(ref *slot, out ulong word);
            // Looked at again, now that nobody can change it.
            if (!pinned || !IsToRecompress(word, page, work) || !TryUnpack(word, bench, page))
                return RecompressionOutcome.Skipped;
            int before = SlotWord.Kind(word) == SlotKind.Object ? _heap.Footprint(SlotWord.Size(word)) : _heap.Capacity(SlotWord.Location(word));
            bool fits = bench.Context(work.Codec).TryCompress(bench.PageSpan, bench.PackedSpan, out int size) && size > 0 && size <= _incompressibleAbove;
            if (!fits || _heap.Footprint(size) >= before)
            {
                SlotWord.Settle(ref *slot);
                return RecompressionOutcome.WithoutGain;
            }
            // What is replaced makes up for what is taken from the reserve.
            if (!_heap.TryAllocate(size, ReserveUse.Replacement, mayReclaim: false, out ObjectLocation location))
                return RecompressionOutcome.NoMemory;
            ulong after = SlotWord.ForObject(location, size, work.Codec);
            ObjectView view = _heap.View(after, out ulong* tag);
            *tag = TagFor(page, bench.Packed, size);
            view.CopyFrom(bench.Packed);
            if (!SlotWord.TryUpgrade(ref *slot, word))
            {
                _heap.Free(location);
                return RecompressionOutcome.Skipped;
            }
            Publish(ref *slot, word, after, stripe);
            pinned = false;
            _heap.Free(SlotWord.Location(word));
            work.BytesGained += SlotWord.Size(word) - size;
            return RecompressionOutcome.Recompressed;
        }
        finally
        {
            if (pinned)
                SlotWord.ReleaseShared(ref *slot);
            bench.Return();
        }
    }

    /// <summary>Brings a pinned slot's page to the workbench; false if what is stored is damaged.</summary>
    private bool TryUnpack(ulong word, Workbench bench, uint page)
    {
        ObjectView view = _heap.View(word, out ulong* tag);
        view.CopyTo(bench.Packed);
        ReadOnlySpan<byte> stored = new(bench.Packed, view.Length);
        if (CheckOf(stored, page) != (uint)(*tag >> 32))
            return false;
        if (stored.Length != PageSize)
            return bench.Context(SlotWord.Codec(word)).TryDecompress(stored, bench.PageSpan);
        Block.Copy(bench.Page, bench.Packed, PageSize);
        return true;
    }
}
