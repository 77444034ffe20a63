using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Interop;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

public sealed unsafe partial class PageStore
{
    private const int MostRounds = 4;

    /// <summary>Stores a page, in place of what its number held before.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="data">The page, exactly <see cref="PageSize"/> bytes. If another thread changes it meanwhile, some mixture is stored.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    /// <returns>How the page is held; <see cref="StoreOutcome.Full"/> if it is not.</returns>
    /// <exception cref="ArgumentException">The number or the length is wrong.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; the store is as it was before.</remarks>
    public StoreOutcome Write(long page, ReadOnlySpan<byte> data, RefusalPolicy refusal = RefusalPolicy.Keep)
    {
        Throw.IfPageOutOfRange(page, nameof(page));
        Throw.IfPageLengthWrong(data.Length, PageSize, nameof(data));
        return Write((uint)page, default, data, refusal);
    }

    /// <param name="number">The page.</param>
    /// <param name="form">How <paramref name="data"/> is to be held, if that is settled already; absent for a page that is to be compressed.</param>
    /// <param name="data">The page, or its stored bytes.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    private StoreOutcome Write(uint number, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal)
    {
        WritebackReclaim? reclaim = _writeback?.Reclaim;
        return reclaim is null ? AttemptWrite(number, form, data, refusal, isLast: true)
            : WriteReclaiming(number, form, data, refusal, reclaim);
    }

    /// <param name="number">The page.</param>
    /// <param name="form">How <paramref name="data"/> is to be held, if that is settled already.</param>
    /// <param name="data">The page, or its stored bytes.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    /// <param name="isLast">Refuses the page if there is no memory; otherwise the caller makes some and comes again.</param>
    private StoreOutcome AttemptWrite(uint number, in StoredPage form, ReadOnlySpan<byte> data, RefusalPolicy refusal, bool isLast)
    {
        int stripe = _gate.Enter();
        try
        {
            Preserve(number);
            // What was stored before, and is loaded from a snapshot, has the reserve too.
            bool isNew = _overwriteReserve != 0 && form.Kind == StoredKind.Absent && !HoldsAnything(number);
            StoreOutcome outcome = TryWrite(number, form, data, isNew, lastResort: false, stripe);
            // Room is made between two attempts, when no workbench is held: readers need them.
            for (int round = 0; outcome == StoreOutcome.Full && round < MostRounds && TryMakeRoom(round); round++)
                outcome = TryWrite(number, form, data, isNew, lastResort: false, stripe);
            if (outcome == StoreOutcome.Full)
                outcome = TryWrite(number, form, data, isNew, lastResort: true, stripe);
            if (outcome == StoreOutcome.Full && isLast)
                Refuse(number, refusal, stripe);
            return outcome;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private bool HoldsAnything(uint number)
    {
        ulong* slot = _slots.Find(number);
        return slot is not null && SlotWord.Kind(Volatile.Read(ref *slot)) != SlotKind.Empty;
    }

    /// <summary>
    /// Compacts a little; if that frees nothing, or did not help so far, gives free frames back for tables to have, or else what the tables do not need. False if
    /// nothing came of it.
    /// </summary>
    private bool TryMakeRoom(int round)
    {
        bool any = _heap.TryReclaim();
        if (!any || round == MostRounds - 1)
            any |= _arena.Trim();
        return any || TryTrimTables(leastEmptied: 1 + _slots.Leaves / 4);
    }

    private void Refuse(uint number, RefusalPolicy refusal, int stripe)
    {
        _counters.Add(stripe, StoreCounter.Refused, 1);
        ulong* slot = _slots.Find(number);
        if (refusal == RefusalPolicy.Invalidate && slot is not null)
            Replace(ref *slot, number, 0, stripe);
    }

    /// <param name="number">The page.</param>
    /// <param name="form">How it is to be held, if that is settled already.</param>
    /// <param name="data">Its bytes, or the stored ones.</param>
    /// <param name="isNew">The page holds nothing yet and may take only what the reserve for overwrites leaves.</param>
    /// <param name="lastResort">Uses the reserve, the old content's place, or a plain object for a same-filled page, rather than refuse.</param>
    /// <param name="stripe">The processor's part of the counters.</param>
    private StoreOutcome TryWrite(uint number, in StoredPage form, ReadOnlySpan<byte> data, bool isNew, bool lastResort, int stripe)
    {
        if (isNew && FreeBytes <= _overwriteReserve)
            return StoreOutcome.Full;
        Workbench bench = _benches.Take(stripe);
        try
        {
            ulong* slot = _slots.Find(number);
            // The slot comes while the page is copied, the descriptor of what it holds while the copy is compressed.
            Prefetch.One(slot);
            if (form.Kind is StoredKind.Compressed or StoredKind.Incompressible)
                return TryWriteStored(number, slot, form, data, bench, lastResort, stripe);
            // What the caller does to its buffer from here on must not matter. An encoder looks at a byte more than once; one that sees it change can write what no decoder reads.
            if (form.Kind == StoredKind.SameFilled)
            {
                SameFilled.Fill(bench.PageSpan, form.Fill);
            }
            else
            {
                fixed (byte* source = data)
                    Block.Copy(bench.Page, source, PageSize);
            }
            if (SameFilled.TryMatch(bench.PageSpan, out ulong word))
            {
                if (TryStoreFilled(number, word, stripe))
                    return StoreOutcome.SameFilled;
                if (!lastResort)
                    return StoreOutcome.Full;
            }
            if (slot is not null)
                _heap.PrefetchDescriptor(Volatile.Read(ref *slot));
            return StoreBytes(number, slot, bench, lastResort, stripe);
        }
        finally
        {
            bench.Return();
        }
    }

    /// <summary>Stores a page of one repeated word; false when there is no memory to note the word.</summary>
    private bool TryStoreFilled(uint number, ulong word, int stripe)
    {
        if (!_slots.TryEnsure(number, out ulong* slot))
            return false;
        _access?.Ensure(number);
        if (SameFilled.FitsSlot(word))
        {
            Replace(ref *slot, number, SameFilled.SlotFor(word), stripe);
            return true;
        }
        if (!_patterns.TryAdd(word, out uint pattern))
            return TryRefill(ref *slot, number, word);
        Replace(ref *slot, number, SameFilled.SlotForPattern(pattern), stripe);
        return true;
    }

    /// <summary>Fills a page that is same-filled already with another word, which needs no memory if it was the only page with its own.</summary>
    private bool TryRefill(ref ulong slot, uint number, ulong word)
    {
        ulong held = SlotWord.AcquireExclusive(ref slot);
        bool refilled = false;
        if (SameFilled.Is(held) && SameFilled.NamesPattern(held))
        {
            uint pattern = SameFilled.Pattern(held);
            refilled = _patterns.TryReplace(ref pattern, word);
            held = SameFilled.SlotForPattern(pattern);
            _access?.Touch(number);
        }
        SlotWord.ReleaseExclusive(ref slot, held);
        return refilled;
    }

    private StoreOutcome StoreBytes(uint number, ulong* slot, Workbench bench, bool lastResort, int stripe)
    {
        byte* bytes = bench.Packed;
        // Looked up now that the workbench is held: see FindCodecNumber.
        int codec = _codecs.ForWrites;
        // A codec may be anybody's: what it says it wrote is believed only within bounds.
        bool compressed = bench.Context(codec).TryCompress(bench.PageSpan, bench.PackedSpan, out int size) && size > 0 && size <= _incompressibleAbove;
        if (!compressed)
        {
            bytes = bench.Page;
            size = PageSize;
            codec = 0;
        }
        return TryPlace(number, slot, bytes, size, codec, lastResort, stripe)
            ? compressed ? StoreOutcome.Stored : StoreOutcome.Incompressible
            : StoreOutcome.Full;
    }

    /// <summary>Finds room for a page's bytes and publishes them; false if there is none, and then nothing has changed.</summary>
    private bool TryPlace(uint number, ulong* slot, byte* bytes, int size, int codec, bool lastResort, int stripe)
    {
        // A guess, without the lock, that saves the lock; looked at again with it.
        ulong seen = slot is null ? 0 : Volatile.Read(ref *slot);
        int before = SlotWord.HoldsObject(seen) ? _heap.Footprint(SlotWord.Size(seen)) : 0;
        int after = _heap.Footprint(size);
        if (before == after && TryOverwrite(ref *slot, number, bytes, size, codec, onlyIfSameClass: true, stripe))
            return true;
        // A page that shrinks may in the end draw on the reserve, which its old object then makes up for.
        ReserveUse reserve = lastResort && after < before ? ReserveUse.Replacement : ReserveUse.None;
        if (!_heap.TryAllocate(size, reserve, mayReclaim: false, out ObjectLocation location))
            return lastResort && slot is not null && TryOverwrite(ref *slot, number, bytes, size, codec, onlyIfSameClass: false, stripe);
        // The object first: a refusal must not leave a part of the table behind.
        if (slot is null && !_slots.TryEnsure(number, out slot))
        {
            _heap.Free(location);
            return false;
        }
        _access?.Ensure(number);
        ulong word = SlotWord.ForObject(location, size, codec);
        ObjectView view = _heap.View(word, out ulong* tag);
        // The object's memory comes while the check is reckoned.
        Prefetch.All(view.First, view.FirstLength);
        Prefetch.All(view.Second, view.SecondLength);
        *tag = TagFor(number, bytes, size);
        view.CopyFrom(bytes);
        Replace(ref *slot, number, word, stripe);
        return true;
    }

    /// <summary>
    /// Writes over the old content where it lies, which needs no memory; false if there is none or its place is too small. Readers see the old page or the new one:
    /// the slot is held alone meanwhile.
    /// </summary>
    private bool TryOverwrite(ref ulong slot, uint number, byte* bytes, int size, int codec, bool onlyIfSameClass, int stripe)
    {
        ulong tag = TagFor(number, bytes, size);
        ulong old = SlotWord.AcquireExclusive(ref slot);
        ulong word = old;
        bool fits = false;
        if (SlotWord.HoldsObject(old))
        {
            int place = _heap.Capacity(SlotWord.Location(old));
            fits = onlyIfSameClass ? place == _heap.Footprint(size) : size <= place;
        }
        if (fits)
        {
            ObjectLocation location = SlotWord.Location(old);
            word = _heap.WordFor(location, size, codec);
            _heap.View(word, out ulong* place).CopyFrom(bytes);
            *place = tag;
            _access?.Touch(number);
        }
        Publish(ref slot, old, word, stripe);
        return fits;
    }
}
