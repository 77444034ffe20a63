using PageFold.Allocation;
using PageFold.Interop;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

/// <summary>Pages in the form in which they are stored, for those who keep them elsewhere and bring them back: nothing is compressed or decompressed.</summary>
public sealed unsafe partial class PageStore
{
    /// <summary>Reads a page's stored bytes.</summary>
    /// <param name="number">The page.</param>
    /// <param name="destination">At least <see cref="PageSize"/> bytes; receives as many as the form says.</param>
    /// <exception cref="PageCorruptException">The stored bytes do not match their check; <paramref name="destination"/> holds none of them.</exception>
    /// <exception cref="WritebackReadException">The page is in the writeback file and cannot be read from there.</exception>
    internal StoredPage ReadStored(uint number, Span<byte> destination)
    {
        Throw.IfPageLengthWrong(Math.Min(destination.Length, PageSize), PageSize, nameof(destination));
        int stripe = _gate.Enter();
        Workbench? bench = null;
        try
        {
            ulong* slot = _slots.Find(number);
            if (slot is null)
                return default;
            // Before the slot is held: see TryRead.
            bench = _benches.Take(stripe);
            if (!TryPin(ref *slot, out ulong word))
                return default;
            if (SameFilled.Is(word))
            {
                ulong fill = FillOf(word);
                SlotWord.ReleaseShared(ref *slot);
                return new StoredPage(StoredKind.SameFilled, 0, 0, fill, 0);
            }
            ReadOnlySpan<byte> stored = WrittenBack.Is(word) ? ReadRecord(ref *slot, word, bench, number, stripe, out uint check) : CopyObject(ref *slot, word, bench, number, out check);
            if (stored.IsEmpty)
            {
                destination.Clear();
                Throw.PageIsCorrupt(number);
            }
            stored.CopyTo(destination);
            int size = stored.Length;
            return new StoredPage(size == PageSize ? StoredKind.Incompressible : StoredKind.Compressed, SlotWord.Codec(word), size, 0, check);
        }
        finally
        {
            bench?.Return();
            _gate.Exit(stripe);
        }
    }

    /// <summary>
    /// Stores a page whose stored bytes are known, in place of what its number held before; a refused overwrite keeps the old content. Whoever brings pages of a codec that may not be in use
    /// holds it meanwhile (<see cref="HoldCodec"/>).
    /// </summary>
    /// <param name="number">The page.</param>
    /// <param name="form">Its form, as <see cref="ReadStored"/> gave it for this number.</param>
    /// <param name="bytes">Its stored bytes, which decompress to a page.</param>
    /// <exception cref="ArgumentException">No page can have this form, or its codec is not known.</exception>
    /// <exception cref="PageCorruptException">The bytes do not match the form's check; nothing has changed.</exception>
    internal StoreOutcome WriteStored(uint number, in StoredPage form, ReadOnlySpan<byte> bytes)
    {
        Throw.IfStoredFormInvalid(form, bytes.Length, PageSize, form.Codec is >= 0 and < CodecTable.Most && _codecs[form.Codec] is not null);
        return Write(number, form, bytes, RefusalPolicy.Keep);
    }

    private StoreOutcome TryWriteStored(uint number, ulong* slot, in StoredPage form, ReadOnlySpan<byte> data, Workbench bench, bool lastResort, int stripe)
    {
        fixed (byte* source = data)
            Block.Copy(bench.Page, source, data.Length);
        if (CheckOf(bench.PageSpan[..data.Length], number) != form.Check)
            Throw.PageIsCorrupt(number);
        bool compressed = form.Kind == StoredKind.Compressed;
        return TryPlace(number, slot, bench.Page, data.Length, compressed ? form.Codec : 0, lastResort, stripe)
            ? compressed ? StoreOutcome.Stored : StoreOutcome.Incompressible
            : StoreOutcome.Full;
    }

    /// <summary>Copies the stored bytes of a pinned slot's object, and unpins it; nothing if they are damaged.</summary>
    private ReadOnlySpan<byte> CopyObject(ref ulong slot, ulong word, Workbench bench, uint number, out uint check)
    {
        ObjectView view = _heap.View(word, out ulong* tag);
        view.CopyTo(bench.Packed);
        check = (uint)(*tag >> 32);
        SlotWord.ReleaseShared(ref slot);
        ReadOnlySpan<byte> stored = new(bench.Packed, SlotWord.Size(word));
        return CheckOf(stored, number) == check ? stored : default;
    }

    /// <summary>The word that a pinned slot's page is filled with.</summary>
    private ulong FillOf(ulong word) => SameFilled.NamesPattern(word) ? _patterns.Get(SameFilled.Pattern(word)) : SameFilled.Word(word);
}
