using PageFold.Allocation;
using PageFold.Store;

namespace PageFold;

/// <summary>What the store holds, counted page by page and told as of one moment.</summary>
public sealed unsafe partial class PageStore
{
    /// <summary>What the store holds now: all figures as they were at one moment, so that they add up while other threads work.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageStoreStatistics GetStatistics()
    {
        HeapFigures heap = new(_heap);
        int stripe = _gate.Enter();
        try
        {
            // Tables only grow while an operation is inside the gate, so what is read first is within what is held later.
            long slotTable = _slots.Bytes;
            long accessTable = _access?.Bytes ?? 0;
            StoreFigures figures = Look(heap, out long file, out KnownCodecs codecs);
            long pages = figures[StoreCounter.Pages];
            return new PageStoreStatistics
            {
                Pages = pages,
                OriginalBytes = pages * PageSize,
                CompressedBytes = figures[StoreCounter.CompressedBytes],
                SameFilledPages = figures[StoreCounter.SameFilled],
                IncompressiblePages = figures[StoreCounter.Incompressible],
                PoolBytes = heap.PoolBytes,
                TableBytes = heap.TableBytes,
                SlotTableBytes = slotTable,
                AccessTableBytes = accessTable,
                PeakBytes = heap.PeakBytes,
                MemoryLimit = MemoryLimit,
                PrefaultedBytes = _arena.PrefaultedBytes,
                AvailableBytes = Math.Clamp(FreeBytes - _overwriteReserve, 0, MemoryLimit - heap.PoolBytes),
                RefusedWrites = figures[StoreCounter.Refused],
                WrittenBackPages = figures[StoreCounter.WrittenBack],
                WrittenBackBytes = figures[StoreCounter.WrittenBackBytes],
                WritebackFileBytes = file,
                WritebackWrites = figures[StoreCounter.WritebackWrites],
                WritebackReads = figures[StoreCounter.WritebackReads],
                PagesByCodec = PagesByCodec(figures),
                Codecs = codecs.Describe(figures),
                FramesCompacted = _heap.FramesCompacted,
                BytesMoved = _heap.BytesMoved,
                Classes = heap.Classes,
            };
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>
    /// Reads all counters at a moment at which no page and no object comes or goes: while it holds the latches of all classes and of all
    /// counters.
    /// </summary>
    /// <remarks>A thread that waits for a latch meanwhile holds its page's slot at most, and the look waits for no slot.</remarks>
    private StoreFigures Look(HeapFigures heap, out long file, out KnownCodecs codecs)
    {
        heap.Enter();
        StoreFigures figures = _counters.EnterAll();
        try
        {
            file = _writeback?.FileBytes ?? 0;
            codecs = KnownCodecs.Of(_codecs);
            return figures;
        }
        finally
        {
            _counters.ExitAll();
            heap.Exit();
        }
    }

    private static long[] PagesByCodec(in StoreFigures figures)
    {
        long[] pages = new long[CodecTable.Most];
        for (int number = 0; number < pages.Length; number++)
            pages[number] = figures[StoreCounter.FirstCodec + number];
        return pages;
    }

    /// <summary>
    /// Counts a change of a page whose slot the caller holds alone, and ends the holding with the page's new word in the slot.
    /// </summary>
    /// <remarks>
    /// In this order, because the next change of the page is counted after this one then: no count falls below what is there.
    /// </remarks>
    private void Publish(ref ulong slot, ulong old, ulong word, int stripe)
    {
        if (old != word)
        {
            ref StoreFigures figures = ref _counters.Enter(stripe);
            Count(ref figures, old, -1);
            Count(ref figures, word, 1);
            if (SlotWord.Kind(word) == SlotKind.Empty)
                figures[StoreCounter.Emptied]++;
            _counters.Exit(stripe);
        }
        SlotWord.ReleaseExclusive(ref slot, word);
    }

    private void Count(ref StoreFigures figures, ulong word, int pages)
    {
        if (SlotWord.Kind(word) == SlotKind.Empty)
            return;
        figures[StoreCounter.Pages] += pages;
        if (SameFilled.Is(word))
        {
            figures[StoreCounter.SameFilled] += pages;
            return;
        }
        int size = SlotWord.Size(word);
        bool raw = size == PageSize;
        if (WrittenBack.Is(word))
        {
            figures[StoreCounter.WrittenBack] += pages;
            figures[StoreCounter.WrittenBackBytes] += pages * size;
        }
        else
        {
            figures[StoreCounter.CompressedBytes] += pages * size;
            figures[StoreCounter.Incompressible] += raw ? pages : 0;
        }
        figures[StoreCounter.FirstCodec + SlotWord.Codec(word)] += raw ? 0 : pages;
    }
}
