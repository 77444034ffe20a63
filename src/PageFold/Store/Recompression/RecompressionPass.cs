using PageFold.Allocation;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Recompression;

/// <summary>Compresses pages in memory again, and keeps the result where it is of a smaller size class.</summary>
internal sealed unsafe class RecompressionPass(
    PageIndex index, CodecStreams streams, int codec, RecompressionOptions options, int incompressibleAbove)
    : PagePass(index, streams, codec, options.MaxPages)
{
    protected override bool IsWanted(ulong word, uint page)
    {
        if (!SlotWord.HoldsObject(word) || SlotWord.Size(word) < options.MinStoredBytes
            || PageWord.IsWithoutGain(word) && !options.RetryWithoutGain)
            return false;
        bool raw = SlotWord.Size(word) == Index.PageSize;
        return (raw || !options.OnlyIncompressible && PageWord.Codec(word) != Codec) && Index.IsOld(page, options.MinAge);
    }

    protected override PassOutcome Convert(in PinnedPage page, CodecStream stream, int stripe)
    {
        if (!TryUnpack(page, stream))
            return PassOutcome.Skipped;
        bool fits = stream.Context(Codec).TryCompress(stream.PageSpan, stream.PackedSpan, out int size) && size > 0
            && size <= incompressibleAbove;
        if (!fits || Index.Heap.Footprint(size) >= Index.FootprintOf(page))
        {
            PageWord.MarkWithoutGain(ref page.Slot);
            return PassOutcome.WithoutGain;
        }
        uint checksum = PageIndex.ChecksumOf(stream.PackedSpan[..size], page.Number);
        ReplaceOutcome outcome = Index.TryReplace(page, stream.Packed, size, Codec, checksum, mayStay: false, stripe);
        if (outcome != ReplaceOutcome.Replaced)
            return outcome == ReplaceOutcome.NoMemory ? PassOutcome.NoMemory : PassOutcome.Skipped;
        BytesGained += page.Size - size;
        return PassOutcome.Converted;
    }

    /// <summary>Decompresses a pinned page to the stream's copy; false if what is stored is damaged.</summary>
    private bool TryUnpack(in PinnedPage page, CodecStream stream)
    {
        ReadOnlySpan<byte> stored = Index.Fetch(page, stream.Packed, out uint checksum);
        if (PageIndex.ChecksumOf(stored, page.Number) != checksum)
            return false;
        if (stored.Length != Index.PageSize)
            return stream.Context(PageWord.Codec(page.Word)).TryDecompress(stored, stream.PageSpan);
        stored.CopyTo(stream.PageSpan);
        return true;
    }
}
