using PageFold.Allocation;
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
        if (!_slots.TryEnsure(number, out ulong* slot))
            return false;
        if (SameFilled.FitsSlot(word))
        {
            Replace(ref *slot, SameFilled.SlotFor(word), stripe);
            return true;
        }
        if (!_patterns.TryAdd(word, out uint pattern))
            return false;
        Replace(ref *slot, SameFilled.SlotForPattern(pattern), stripe);
        return true;
    }

    private StoreOutcome StoreBytes(uint number, Workbench bench, int stripe)
    {
        byte* bytes = bench.Packed;
        bool compressed = bench.Context.TryCompress(bench.PageSpan, bench.PackedSpan, out int size) && size <= _incompressibleAbove;
        if (!compressed)
        {
            bytes = bench.Page;
            size = PageSize;
        }
        if (!_slots.TryEnsure(number, out ulong* slot))
            return StoreOutcome.Full;
        ulong tag = number | (ulong)CheckOf(new ReadOnlySpan<byte>(bytes, size), number) << 32;
        bool sameClass = IsOfClass(Volatile.Read(ref *slot), size);
        if (!(sameClass && TryOverwrite(ref *slot, bytes, size, tag, onlyIfSameClass: true, stripe)))
        {
            if (_heap.TryAllocate(size, tag, out ObjectLocation location))
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

    private bool IsOfClass(ulong word, int size) =>
        SlotWord.Kind(word) == SlotKind.Object && _heap.Footprint(SlotWord.Size(word)) == _heap.Footprint(size);

    /// <summary>
    /// Writes over the old content where it lies, which needs no memory; false if there is none or its place is too small. Readers see the old page or the new one:
    /// the slot is held alone meanwhile.
    /// </summary>
    private bool TryOverwrite(ref ulong slot, byte* bytes, int size, ulong tag, bool onlyIfSameClass, int stripe)
    {
        ulong old = SlotWord.AcquireExclusive(ref slot);
        bool fits = SlotWord.Kind(old) == SlotKind.Object &&
            (onlyIfSameClass ? IsOfClass(old, size) : size <= _heap.Capacity(SlotWord.Location(old)));
        ulong word = old;
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
