using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Statistics;

/// <summary>Reads what a store holds, counted page by page and as of one moment.</summary>
internal sealed class StatisticsReader(PageIndex index, CodecTable codecs, long overwriteReserve)
{
    /// <summary>All figures as they were at one moment: see <see cref="PageStore.GetStatistics"/>.</summary>
    public PageStoreStatistics Read()
    {
        HeapFigures heap = new(index.Heap);
        using RundownGate.Entry entry = index.Enter();
        // Tables only grow while an operation is inside the gate, so what is read first is within what is held later.
        long slotTable = index.Slots.Bytes;
        long accessTable = index.Access?.Bytes ?? 0;
        StoreFigures figures = Look(heap, out long file, out KnownCodecs known);
        long pages = figures[StoreCounter.Pages];
        return new PageStoreStatistics
        {
            Pages = pages,
            OriginalBytes = pages * index.PageSize,
            CompressedBytes = figures[StoreCounter.CompressedBytes],
            SameFilledPages = figures[StoreCounter.SameFilled],
            IncompressiblePages = figures[StoreCounter.Incompressible],
            PoolBytes = heap.PoolBytes,
            TableBytes = heap.TableBytes,
            SlotTableBytes = slotTable,
            AccessTableBytes = accessTable,
            TrainingBytes = Math.Min(index.Loans.Bytes, heap.TableBytes),
            PeakBytes = heap.PeakBytes,
            MemoryLimit = index.Budget.Limit,
            PrefaultedBytes = index.Arena.PrefaultedBytes,
            AvailableBytes = Math.Clamp(
                index.FreeBytes + index.Loans.ComingBytes - overwriteReserve, 0, index.Budget.Limit - heap.PoolBytes),
            RefusedWrites = figures[StoreCounter.Refused],
            WrittenBackPages = figures[StoreCounter.WrittenBack],
            WrittenBackBytes = figures[StoreCounter.WrittenBackBytes],
            WritebackFileBytes = file,
            WritebackWrites = figures[StoreCounter.WritebackWrites],
            WritebackReads = figures[StoreCounter.WritebackReads],
            PagesByCodec = PagesByCodec(figures),
            Codecs = known.Describe(figures, index.PageSize),
            FramesCompacted = index.Heap.FramesCompacted,
            BytesMoved = index.Heap.BytesMoved,
            Classes = heap.Classes,
        };
    }

    /// <summary>
    /// Reads all counters at a moment at which no page and no object comes or goes: while it holds the latches of all classes and of all
    /// counters.
    /// </summary>
    /// <remarks>A thread that waits for a latch meanwhile holds its page's slot at most, and the look waits for no slot.</remarks>
    private StoreFigures Look(HeapFigures heap, out long file, out KnownCodecs known)
    {
        heap.Enter();
        StoreFigures figures = index.Counters.EnterAll();
        try
        {
            file = index.Log?.FileBytes ?? 0;
            known = KnownCodecs.Of(codecs);
            return figures;
        }
        finally
        {
            index.Counters.ExitAll();
            heap.Exit();
        }
    }

    private static long[] PagesByCodec(in StoreFigures figures)
    {
        long[] pages = new long[PageWord.MaxCodecs];
        for (int number = 0; number < pages.Length; number++)
            pages[number] = figures[StoreCounter.FirstCodec + number];
        return pages;
    }
}
