using System.Runtime.CompilerServices;
using PageFold.Frames;
using PageFold.Interop;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Paging;

/// <summary>
/// The way of a page out: pin, fetch, verify, decompress. Thread-safe; allocates nothing on the GC heap.
/// </summary>
internal sealed unsafe class PageReader(PageIndex index, StoreCodecs codecs)
{
    private readonly CodecStreams _streams = codecs.Streams;
    private readonly int _pageSize = index.PageSize;

    /// <summary>Reads a page; false if it is not stored. Counts as an access.</summary>
    /// <exception cref="PageCorruptException">
    /// The stored bytes do not match their checksum; <paramref name="destination"/> holds none of them.
    /// </exception>
    /// <exception cref="WritebackReadException">
    /// The page is in the writeback file and cannot be read from there; <paramref name="destination"/> is untouched.
    /// </exception>
    public bool TryRead(uint number, Span<byte> destination)
    {
        using RundownGate.Entry entry = index.Enter();
        ulong* slot = index.Find(number);
        if (slot is null)
            return false;
        Prefetch.One(slot);
        // Before the slot is held: a writer that waits for the slot holds a stream.
        using CodecStream stream = _streams.Take(entry.Stripe);
        using PinnedPage page = PageIndex.Pin(slot, number);
        if (!page.IsStored)
            return false;
        index.Touch(number);
        ulong word = page.Word;
        if (SameFilled.Is(word))
        {
            SameFilled.Fill(destination, index.FillOf(page));
            return true;
        }
        bool isIntact = TryLoad(page, stream, destination);
        if (WrittenBack.Is(word))
            CountRead(entry.Stripe);
        if (isIntact)
            return true;
        destination.Clear();
        IndexThrow.PageIsCorrupt(number);
        return false;
    }

    /// <summary>Reads a page's stored bytes, without decompressing them.</summary>
    /// <param name="number">The page.</param>
    /// <param name="destination">At least a page's bytes; receives as many as the form says.</param>
    /// <exception cref="PageCorruptException">
    /// The stored bytes do not match their checksum; <paramref name="destination"/> holds none of them.
    /// </exception>
    /// <exception cref="WritebackReadException">The page is in the writeback file and cannot be read from there.</exception>
    public StoredPage ReadStored(uint number, Span<byte> destination)
    {
        IndexThrow.IfPageLengthWrong(Math.Min(destination.Length, index.PageSize), index.PageSize, nameof(destination));
        using RundownGate.Entry entry = index.Enter();
        ulong* slot = index.Find(number);
        if (slot is null)
            return default;
        // Before the slot is held: see TryRead.
        using CodecStream stream = _streams.Take(entry.Stripe);
        using PinnedPage page = PageIndex.Pin(slot, number);
        if (!page.IsStored)
            return default;
        if (SameFilled.Is(page.Word))
            return new StoredPage(StoredKind.SameFilled, 0, 0, index.FillOf(page), 0);
        uint checksum;
        fixed (byte* bytes = destination)
        {
            if (!index.TryCopyStored(page, bytes, stream.Packed, out checksum))
            {
                destination.Clear();
                IndexThrow.PageIsCorrupt(number);
            }
        }
        if (WrittenBack.Is(page.Word))
            CountRead(entry.Stripe);
        StoredKind kind = page.Size == index.PageSize ? StoredKind.Incompressible : StoredKind.Compressed;
        return new StoredPage(kind, PageWord.Codec(page.Word), page.Size, 0, checksum);
    }

    /// <summary>Fetches, verifies and decompresses a pinned page; false if it is damaged.</summary>
    // Not inlined: what runs inside the caller's three using regions is kept on the stack there, which makes a read 6 % slower.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryLoad(scoped in PinnedPage page, CodecStream stream, Span<byte> destination)
    {
        ReadOnlySpan<byte> stored = index.Fetch(page, stream.Packed, out uint checksum);
        if (PageIndex.ChecksumOf(stored, page.Number) != checksum)
            return false;
        if (stored.Length != _pageSize)
            return stream.Context(PageWord.Codec(page.Word)).TryDecompress(stored, destination);
        stored.CopyTo(destination);
        return true;
    }

    private void CountRead(int stripe) => index.Counters.Add(stripe, StoreCounter.WritebackReads, 1);
}
