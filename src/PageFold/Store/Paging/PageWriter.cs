using PageFold.Frames;
using PageFold.Interop;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Paging;

/// <summary>
/// The way of a page in: private copy, same-filled or compressed or raw, a place in the index; where memory is short, room is made and the
/// page is tried again. Also discards pages. Thread-safe; allocates nothing on the GC heap.
/// </summary>
/// <param name="index">Where pages are placed.</param>
/// <param name="codecs">What they are compressed with.</param>
/// <param name="reclaim">Moves pages out of memory for a write that finds none; null if the store has no writeback file.</param>
/// <param name="incompressibleAbove">A page that compresses to more bytes than this is stored raw.</param>
/// <param name="overwriteReserve">Bytes of the limit kept for pages that hold something already.</param>
internal sealed unsafe class PageWriter(
    PageIndex index, StoreCodecs codecs, IReclaim? reclaim, int incompressibleAbove, long overwriteReserve)
{
    // A batch may move no page because other threads use all of its pages; others are found after it.
    private const int MaxFruitlessRounds = 64;

    // More than a page with all its tables needs, the largest segment of frames (1 MiB and what is around it) included: a 256th of the
    // limit has room for the longest root that a table can need.
    private const long MinPlenty = 2 << 20;
    private const int PlentyShift = 8;

    /// <summary>
    /// True if so much memory is free that a write which finds none lacks something else, such as memory of the system for a table.
    /// </summary>
    private bool HasPlenty =>
        index.Budget.Available + index.Budget.Idle - overwriteReserve > Math.Max(MinPlenty, index.Budget.Limit >> PlentyShift);

    /// <summary>Stores a page, in place of what its number held before.</summary>
    /// <param name="page">The page.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    public StoreOutcome Write(uint page, ReadOnlySpan<byte> data, RefusalPolicy refusal) => Write(page, default, data, refusal);

    /// <summary>
    /// Stores a page whose stored bytes are known, in place of what its number held before; a refused overwrite keeps the old content. A
    /// caller that brings pages of a codec that may not be in use holds it meanwhile (<see cref="StoreCodecs.Hold"/>).
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="form">Its form, as <see cref="PageReader.ReadStored"/> gave it for this number.</param>
    /// <param name="bytes">Its stored bytes, which decompress to a page.</param>
    /// <exception cref="ArgumentException">No page can have this form, or its codec is not known.</exception>
    /// <exception cref="PageCorruptException">The bytes do not match the form's checksum; nothing has changed.</exception>
    public StoreOutcome WriteStored(uint page, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        bool isCodecKnown = form.Codec is >= 0 and < PageWord.MaxCodecs && codecs.Table[form.Codec] is not null;
        IndexThrow.IfStoredFormInvalid(form, bytes.Length, index.PageSize, isCodecKnown);
        return Write(page, form, bytes, RefusalPolicy.Keep);
    }

    /// <summary>
    /// Stores a page of a snapshot in the form in which it is there. Its checksum is computed here, since it depends on more than the
    /// bytes; until here the chunk's hash has covered them.
    /// </summary>
    public StoreOutcome Restore(uint page, in StoredPage form, ReadOnlySpan<byte> bytes) =>
        WriteStored(page, form with { Checksum = PageIndex.ChecksumOf(bytes, page) }, bytes);

    /// <summary>Stores a page of a snapshot compressed anew.</summary>
    public StoreOutcome Restore(uint page, ReadOnlySpan<byte> data) =>
        Write(page, new StoredPage { Kind = StoredKind.Uncompressed }, data, RefusalPolicy.Keep);

    /// <summary>Discards the pages of a range; returns how many were stored.</summary>
    public long Discard(long first, long end)
    {
        codecs.Streams.RefuseReentry();
        long discarded = 0;
        foreach (Leaf leaf in index.Leaves(first, end))
        {
            for (int place = 0; leaf.TryNext(ref place); place++)
            {
                uint page = (uint)(leaf.First + place);
                index.AnnounceChange(page);
                if (index.Remove(ref leaf.Slot(place), page, leaf.Stripe))
                    discarded++;
            }
        }
        return discarded;
    }

    /// <param name="page">The page.</param>
    /// <param name="form">
    /// How <paramref name="data"/> is to be held, if that is known already; absent for a page that is to be compressed.
    /// </param>
    /// <param name="data">The page, or its stored bytes.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    private StoreOutcome Write(uint page, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal)
    {
        StoreOutcome outcome = Write(page, form, data, refusal, mayCallIn: true, out bool isPutOff);
        if (!isPutOff)
            return outcome;
        // Outside the gate, for which the borrower may be waiting. No loan begins before the page has its memory.
        using MemoryLoans.Recall recall = index.Loans.CallIn();
        // Again only when a loan that did not come has ended meanwhile.
        do
            outcome = Write(page, form, data, refusal, mayCallIn: false, out isPutOff);
        while (isPutOff);
        return outcome;
    }

    private StoreOutcome Write(
        uint page, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal, bool mayCallIn, out bool isPutOff) =>
        reclaim is null || !reclaim.IsDirect ? AttemptWrite(page, form, data, refusal, isLast: true, mayCallIn, out isPutOff)
            : WriteReclaiming(page, form, data, refusal, reclaim, mayCallIn, out isPutOff);

    /// <summary>
    /// Direct reclaim: writes a page, moving other pages to the file as often as the write finds no memory. The writer waits its turn
    /// outside the gate and holds nothing then, so pages of others can move, and what needs the gate alone does not wait for the file.
    /// </summary>
    private StoreOutcome WriteReclaiming(uint page, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal, IReclaim from,
        bool mayCallIn, out bool isPutOff)
    {
        for (int fruitless = 0; ;)
        {
            long seen = from.Rounds;
            bool isLast = fruitless == MaxFruitlessRounds;
            StoreOutcome outcome = AttemptWrite(page, form, data, refusal, isLast, mayCallIn, out isPutOff);
            if (outcome != StoreOutcome.Full || isLast)
                return outcome;
            // What is free now may have come free after the attempt. Moving more pages would be in vain.
            bool mayTryAgain = true;
            if (!HasPlenty && from.TryReclaim(seen, out mayTryAgain))
                fruitless = 0;
            else
                fruitless = mayTryAgain ? fruitless + 1 : MaxFruitlessRounds;
        }
    }

    /// <param name="page">The page.</param>
    /// <param name="form">How <paramref name="data"/> is to be held, if that is known already.</param>
    /// <param name="data">The page, or its stored bytes.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    /// <param name="isLast">Refuses the page if there is no memory; otherwise the caller makes some and comes again.</param>
    /// <param name="mayCallIn">Does not refuse it yet if there is memory on loan that may be called in.</param>
    /// <param name="isPutOff">
    /// True if the page would be refused, and memory is or was on loan: the caller has to call it in and come again.
    /// </param>
    private StoreOutcome AttemptWrite(uint page, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal, bool isLast,
        bool mayCallIn, out bool isPutOff)
    {
        isPutOff = false;
        using RundownGate.Entry entry = index.Enter();
        index.AnnounceChange(page);
        // What was stored before, and is loaded from a snapshot, has the reserve too.
        bool isNew = overwriteReserve != 0 && form.Kind == StoredKind.Absent && PageWord.IsEmpty(index.Peek(page));
        RoomMaker.Attempts attempts = index.Room.Begin();
        StoreOutcome outcome;
        // Room is made between two attempts, when no codec stream is held: readers need them.
        do
            outcome = TryWrite(page, form, data, isNew, lastResort: false, entry.Stripe);
        while (outcome == StoreOutcome.Full && attempts.TryMakeRoom());
        long loansEnded = index.Loans.Ended;
        if (outcome == StoreOutcome.Full)
            outcome = TryWrite(page, form, data, isNew, lastResort: true, entry.Stripe);
        if (outcome == StoreOutcome.Full && isLast)
        {
            // In this order: a loan that is not there any more has ended.
            isPutOff = mayCallIn && index.Loans.IsAny || index.Loans.Ended != loansEnded;
            if (!isPutOff)
                Refuse(page, refusal, entry.Stripe);
        }
        return outcome;
    }

    private void Refuse(uint page, RefusalPolicy refusal, int stripe)
    {
        index.Counters.Add(stripe, StoreCounter.Refused, 1);
        ulong* slot = index.Find(page);
        if (refusal == RefusalPolicy.Invalidate && slot is not null)
            index.Remove(ref *slot, page, stripe);
    }

    /// <param name="page">The page.</param>
    /// <param name="form">How it is to be held, if that is known already.</param>
    /// <param name="data">Its bytes, or the stored ones.</param>
    /// <param name="isNew">The page holds nothing yet and may take only what the reserve for overwrites leaves.</param>
    /// <param name="lastResort">
    /// Uses the reserve, the old content's place, or a plain object for a same-filled page, rather than refuse.
    /// </param>
    /// <param name="stripe">The processor's part of the counters.</param>
    private StoreOutcome TryWrite(uint page, in StoredPage form, ReadOnlySpan<byte> data, bool isNew, bool lastResort, int stripe)
    {
        if (isNew && index.FreeBytes <= overwriteReserve)
            return StoreOutcome.Full;
        using CodecStream stream = codecs.Streams.Take(stripe);
        ulong* slot = index.Find(page);
        // The slot comes while the page is copied, the descriptor of what it holds while the copy is compressed.
        Prefetch.One(slot);
        if (form.Kind is StoredKind.Compressed or StoredKind.Incompressible)
            return TryPlaceStored(page, slot, form, data, stream, lastResort, stripe);
        // An encoder reads a byte more than once. If it sees the caller's buffer change, it can write what no decoder reads; so it reads a
        // copy.
        if (form.Kind == StoredKind.SameFilled)
        {
            SameFilled.Fill(stream.PageSpan, form.Fill);
        }
        else
        {
            fixed (byte* source = data)
                Block.Copy(stream.Page, source, index.PageSize);
        }
        if (SameFilled.TryMatch(stream.PageSpan, out ulong word))
        {
            if (index.TryFill(page, word, stripe))
                return StoreOutcome.SameFilled;
            if (!lastResort)
                return StoreOutcome.Full;
        }
        if (slot is not null)
            index.Heap.PrefetchDescriptor(Volatile.Read(ref *slot));
        return CompressAndPlace(page, slot, stream, lastResort, stripe);
    }

    private StoreOutcome CompressAndPlace(uint page, ulong* slot, CodecStream stream, bool lastResort, int stripe)
    {
        byte* bytes = stream.Packed;
        // Read now that the stream is held: see StoreCodecs.FindNumber.
        int codec = codecs.Table.ForWrites;
        // A codec may be any caller's: the size it reports is trusted only within bounds.
        bool compressed = stream.Context(codec).TryCompress(stream.PageSpan, stream.PackedSpan, out int size)
            && size > 0 && size <= incompressibleAbove;
        if (!compressed)
        {
            bytes = stream.Page;
            size = index.PageSize;
            codec = 0;
        }
        return index.TryPlace(page, slot, bytes, size, codec, lastResort, stripe)
            ? compressed ? StoreOutcome.Stored : StoreOutcome.Incompressible
            : StoreOutcome.Full;
    }

    private StoreOutcome TryPlaceStored(uint page, ulong* slot, in StoredPage form, ReadOnlySpan<byte> data, CodecStream stream,
        bool lastResort, int stripe)
    {
        fixed (byte* source = data)
            Block.Copy(stream.Page, source, data.Length);
        if (PageIndex.ChecksumOf(stream.PageSpan[..data.Length], page) != form.Checksum)
            IndexThrow.PageIsCorrupt(page);
        bool compressed = form.Kind == StoredKind.Compressed;
        return index.TryPlace(page, slot, stream.Page, data.Length, compressed ? form.Codec : 0, lastResort, stripe)
            ? compressed ? StoreOutcome.Stored : StoreOutcome.Incompressible
            : StoreOutcome.Full;
    }
}
