using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store;

namespace PageFold;

public sealed unsafe partial class PageStore
{
    /// <summary>Stores a page, in place of what its number held before.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="data">The page, exactly <see cref="PageSize"/> bytes. If another thread changes it meanwhile, some mixture is stored.</param>
    /// <param name="refusal">What a refused overwrite leaves behind.</param>
    /// <returns>How the page is held; <see cref="StoreOutcome.Full"/> if it is not.</returns>
    /// <exception cref="ArgumentException">The number or the length is wrong.</exception>
    public StoreOutcome Write(long page, ReadOnlySpan<byte> data, RefusalPolicy refusal = RefusalPolicy.Keep)
    {
        Throw.IfPageOutOfRange(page, nameof(page));
        Throw.IfPageLengthWrong(data.Length, PageSize, nameof(data));
        uint number = (uint)page;
        int stripe = _gate.Enter();
        Workbench? bench = null;
        try
        {
            bench = _benches.Take(stripe);
            data.CopyTo(bench.PageSpan);
            StoreOutcome outcome = SameFilled.TryMatch(bench.PageSpan, out ulong word) && TryStoreFilled(number, word, stripe)
                ? StoreOutcome.SameFilled
                : StoreBytes(number, bench, stripe);
            if (outcome == StoreOutcome.Full)
            {
                _counters.Add(stripe, StoreCounter.Refused, 1);
                ulong* slot = _slots.Find(number);
                if (refusal == RefusalPolicy.Invalidate && slot is not null)
                    Replace(ref *slot, 0, stripe);
            }
            return outcome;
        }
        finally
        {
            bench?.Return();
            _gate.Exit(stripe);
        }
    }

    /// <summary>Stores a page of one repeated word; false when there is no memory to note the word.</summary>
    private bool TryStoreFilled(uint number, ulong word, int stripe)
    {
        if (!TryEnsureSlot(number, out ulong* slot))
            return false;
        if (SameFilled.FitsSlot(word))
        {
            Replace(ref *slot, SameFilled.SlotFor(word), stripe);
            return true;
        }
        if (!_patterns.TryAdd(word, out uint pattern) && !(_heap.ReclaimBytes() && _patterns.TryAdd(word, out pattern)))
            return TryRefill(ref *slot, word);
        Replace(ref *slot, SameFilled.SlotForPattern(pattern), stripe);
        return true;
    }

    /// <summary>Fills a page that is same-filled already with another word, which needs no memory if it was the only page with its own.</summary>
    private bool TryRefill(ref ulong slot, ulong word)
    {
        ulong held = SlotWord.AcquireExclusive(ref slot);
        bool refilled = false;
        if (SlotWord.Kind(held) == SlotKind.Value && SameFilled.NamesPattern(held))
        {
            uint pattern = SameFilled.Pattern(held);
            refilled = _patterns.TryReplace(ref pattern, word);
            held = SameFilled.SlotForPattern(pattern);
        }
        SlotWord.ReleaseExclusive(ref slot, held);
        return refilled;
    }

    /// <summary>The slot of a page; if memory for it is short, sparse zspages are compacted first.</summary>
    private bool TryEnsureSlot(uint number, out ulong* slot) =>
        _slots.TryEnsure(number, out slot) || _heap.ReclaimBytes() && _slots.TryEnsure(number, out slot);

    private StoreOutcome StoreBytes(uint number, Workbench bench, int stripe)
    {
        byte* bytes = bench.Packed;
        // A codec may be anybody's: what it says it wrote is believed only within bounds.
        bool compressed = bench.Context.TryCompress(bench.PageSpan, bench.PackedSpan, out int size) && size > 0 && size <= _incompressibleAbove;
        if (!compressed)
        {
            bytes = bench.Page;
            size = PageSize;
        }
        if (!TryEnsureSlot(number, out ulong* slot))
            return StoreOutcome.Full;
        ulong tag = number | (ulong)CheckOf(new ReadOnlySpan<byte>(bytes, size), number) << 32;
        // A guess, without the lock, that saves the lock; looked at again with it.
        ulong seen = Volatile.Read(ref *slot);
        int before = SlotWord.Kind(seen) == SlotKind.Object ? _heap.Footprint(SlotWord.Size(seen)) : 0;
        bool sameClass = before == _heap.Footprint(size);
        if (!(sameClass && TryOverwrite(ref *slot, bytes, size, tag, onlyIfSameClass: true, stripe)))
        {
            // At the limit a page that shrinks may draw on the reserve, which its old object then makes up for. If that is used up, the new
            // content goes into the old one's place.
            bool shrinks = _heap.Footprint(size) < before;
            if (_heap.TryAllocate(size, tag, shrinks ? ReserveUse.Replacement : ReserveUse.None, out ObjectLocation location))
            {
                ulong word = SlotWord.ForObject(location, size);
                _heap.View(word).CopyFrom(bytes);
                Replace(ref *slot, word, stripe);
            }
            else if (!TryOverwrite(ref *slot, bytes, size, tag, onlyIfSameClass: false, stripe))
            {
                return StoreOutcome.Full;
            }
        }
        return compressed ? StoreOutcome.Stored : StoreOutcome.Incompressible;
    }

    /// <summary>
    /// Writes over the old content where it lies, which needs no memory; false if there is none or its place is too small. Readers see the old page or the new one:
    /// the slot is held alone meanwhile.
    /// </summary>
    private bool TryOverwrite(ref ulong slot, byte* bytes, int size, ulong tag, bool onlyIfSameClass, int stripe)
    {
        ulong old = SlotWord.AcquireExclusive(ref slot);
        ulong word = old;
        bool fits = false;
        if (SlotWord.Kind(old) == SlotKind.Object)
        {
            int place = _heap.Capacity(SlotWord.Location(old));
            fits = onlyIfSameClass ? place == _heap.Footprint(size) : size <= place;
        }
        if (fits)
        {
            ObjectLocation location = SlotWord.Location(old);
            word = SlotWord.ForObject(location, size);
            _heap.View(word).CopyFrom(bytes);
            _heap.Tag(location) = tag;
        }
        SlotWord.ReleaseExclusive(ref slot, word);
        if (fits)
            Account(old, word, stripe);
        return fits;
    }
}
