using PageFold.Allocation;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Recompression;

/// <summary>Moves all pages of a codec to another one, whether they shrink or not, those in the writeback file too.</summary>
/// <param name="index">Where the pages are.</param>
/// <param name="codecs">The store's codecs.</param>
/// <param name="codec">The number of the codec that pages go to.</param>
/// <param name="leaving">The number of the codec that pages leave.</param>
/// <param name="leavingCodec">That codec: another one may have its number as soon as all pages have left.</param>
/// <param name="incompressibleAbove">A page that compresses to more bytes than this is stored raw.</param>
/// <param name="maxPages">Ends the pass after so many pages; null for no such end.</param>
internal sealed unsafe class RetirementPass(
    PageIndex index, StoreCodecs codecs, int codec, int leaving, PageCodec leavingCodec, int incompressibleAbove, long? maxPages)
    : PagePass(index, codecs.Streams, codec, maxPages)
{
    protected override bool IsWanted(ulong word, uint page) =>
        (SlotWord.HoldsObject(word) || WrittenBack.Is(word)) && SlotWord.Size(word) != Index.PageSize && PageWord.Codec(word) == leaving;

    protected override PassOutcome Convert(in PinnedPage page, CodecStream stream, int stripe)
    {
        // The page stays pinned, so the number stays its codec's.
        if (codecs.Table[leaving] != leavingCodec)
            return PassOutcome.Skipped;
        ReadOnlySpan<byte> stored;
        uint checksum;
        try
        {
            stored = Index.Fetch(page, stream.Packed, out checksum);
        }
        catch (WritebackReadException)
        {
            // The record may be readable next time.
            return PassOutcome.Skipped;
        }
        int target = Codec;
        uint actual = PageIndex.ChecksumOf(stored, page.Number);
        if (actual == checksum && stream.Context(leaving).TryDecompress(stored, stream.PageSpan))
            stored = Compress(stream, page.Number, ref target, out checksum);
        else
            // Damaged bytes stay damaged: with a checksum that cannot match, no codec is asked to read them.
            checksum = ~actual;
        ReplaceOutcome outcome;
        fixed (byte* bytes = stored)
            outcome = Index.TryReplace(page, bytes, stored.Length, target, checksum, mayStay: true, stripe);
        if (outcome != ReplaceOutcome.Replaced)
            return outcome == ReplaceOutcome.NoMemory ? PassOutcome.NoMemory : PassOutcome.Skipped;
        BytesGained += page.Size - stored.Length;
        return PassOutcome.Converted;
    }

    /// <summary>Compresses the stream's page; what the codec does not make small enough is stored raw, by no codec.</summary>
    private ReadOnlySpan<byte> Compress(CodecStream stream, uint page, scoped ref int target, out uint checksum)
    {
        ReadOnlySpan<byte> stored = stream.PageSpan;
        if (stream.Context(target).TryCompress(stream.PageSpan, stream.PackedSpan, out int size) && size > 0 && size <= incompressibleAbove)
            stored = stream.PackedSpan[..size];
        else
            target = 0;
        checksum = PageIndex.ChecksumOf(stored, page);
        return stored;
    }
}
