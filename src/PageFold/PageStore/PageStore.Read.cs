using PageFold.Allocation;
using PageFold.Interop;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

public sealed unsafe partial class PageStore
{
    /// <summary>Reads a page; false if it was never stored, or was discarded.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="destination">Receives the page, exactly <see cref="PageSize"/> bytes; untouched after false.</param>
    /// <exception cref="ArgumentException">The number or the length is wrong.</exception>
    /// <exception cref="PageCorruptException">The stored bytes do not match their check; <paramref name="destination"/> holds none of them.</exception>
    /// <exception cref="WritebackReadException">The page is in the writeback file and cannot be read from there; <paramref name="destination"/> is untouched.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; the store is as it was before.</remarks>
    public bool TryRead(long page, Span<byte> destination)
    {
        Throw.IfPageOutOfRange(page, nameof(page));
        Throw.IfPageLengthWrong(destination.Length, PageSize, nameof(destination));
        int stripe = _gate.Enter();
        Workbench? bench = null;
        try
        {
            ulong* slot = _slots.Find((uint)page);
            if (slot is null)
                return false;
            Prefetch.One(slot);
            // Before the slot is held: a writer that waits for the slot holds a workbench.
            bench = _benches.Take(stripe);
            if (!TryPin(ref *slot, out ulong word))
                return false;
            _access?.Touch((uint)page);
            if (SlotWord.Kind(word) == SlotKind.Value)
            {
                if (WrittenBack.Is(word))
                {
                    LoadWrittenBack(ref *slot, word, bench, (uint)page, destination, stripe);
                    return true;
                }
                // Pinned, the slot keeps its word in the pattern table.
                ulong fill = FillOf(word);
                SlotWord.ReleaseShared(ref *slot);
                SameFilled.Fill(destination, fill);
                return true;
            }
            if (!TryLoad(ref *slot, word, bench, (uint)page, destination))
            {
                destination.Clear();
                Throw.PageIsCorrupt(page);
            }
            return true;
        }
        finally
        {
            bench?.Return();
            _gate.Exit(stripe);
        }
    }

    /// <summary>Becomes a reader of a slot; false if it holds nothing.</summary>
    private static bool TryPin(ref ulong slot, out ulong word)
    {
        SpinWait spin = default;
        while (true)
        {
            SharedOutcome outcome = SlotWord.TryAcquireShared(ref slot, out word);
            if (outcome != SharedOutcome.Saturated)
                return outcome == SharedOutcome.Acquired;
            spin.SpinOnce();
        }
    }

    /// <summary>Loads the object of a pinned slot, and unpins it as soon as its bytes are no longer needed; false if they do not match their check.</summary>
    private bool TryLoad(ref ulong slot, ulong word, Workbench bench, uint number, Span<byte> destination)
    {
        bool pinned = true;
        try
        {
            ObjectView view = _heap.View(word, out ulong* tag);
            Prefetch.All(view.First, view.FirstLength);
            byte* bytes = view.First;
            uint check;
            if (view.IsContiguous)
            {
                check = (uint)(*tag >> 32);
            }
            else
            {
                Prefetch.All(view.Second, view.SecondLength);
                check = (uint)(*tag >> 32);
                view.CopyTo(bench.Packed);
                bytes = bench.Packed;
                SlotWord.ReleaseShared(ref slot);
                pinned = false;
            }
            ReadOnlySpan<byte> stored = new(bytes, view.Length);
            if (CheckOf(stored, number) != check)
                return false;
            if (stored.Length != PageSize)
                return bench.Context(SlotWord.Codec(word)).TryDecompress(stored, destination);
            stored.CopyTo(destination);
            return true;
        }
        finally
        {
            if (pinned)
                SlotWord.ReleaseShared(ref slot);
        }
    }
}
