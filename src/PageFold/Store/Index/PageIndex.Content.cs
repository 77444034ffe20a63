using System.IO.Hashing;
using System.Runtime.CompilerServices;
using PageFold.Interop;
using PageFold.Mapping;
using PageFold.Store.Log;

namespace PageFold.Store.Index;

// What is stored for a page, and its checksum.
internal sealed unsafe partial class PageIndex
{
    /// <summary>
    /// The checksum of a page's stored bytes: half of their XXH3, with the page's number mixed in, so that bytes in the wrong place are
    /// detected too.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ChecksumOf(ReadOnlySpan<byte> stored, uint page) => (uint)(XxHash3.HashToUInt64(stored) >> 32) ^ page * 0x9E3779B1;

    /// <summary>The word that a pinned page is filled with; the page is same-filled.</summary>
    public ulong FillOf(scoped in PinnedPage page) =>
        SameFilled.NamesPattern(page.Word) ? _patterns.Get(SameFilled.Pattern(page.Word)) : SameFilled.Word(page.Word);

    /// <summary>
    /// Gets the stored bytes of a pinned page that is not same-filled: where they lie, if they lie in one frame, otherwise copied or read
    /// to <paramref name="scratch"/>. They are valid while the page is pinned. The caller compares the checksum (<see cref="ChecksumOf"/>).
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="scratch">Room for a page and a record's header.</param>
    /// <param name="checksum">What the checksum must be; one that cannot match, if a record is another page's.</param>
    /// <exception cref="WritebackReadException">The page is in the writeback file and cannot be read from there.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Fetch(scoped in PinnedPage page, byte* scratch, out uint checksum)
    {
        if (WrittenBack.Is(page.Word))
            return ReadRecord(page, scratch, out checksum);
        ObjectView view = _heap.View(page.Word, out ulong* tag);
        Prefetch.All(view.First, view.FirstLength);
        byte* bytes = view.First;
        if (view.IsContiguous)
        {
            checksum = (uint)(*tag >> 32);
        }
        else
        {
            Prefetch.All(view.Second, view.SecondLength);
            checksum = (uint)(*tag >> 32);
            view.CopyTo(scratch);
            bytes = scratch;
        }
        return new ReadOnlySpan<byte>(bytes, view.Length);
    }

    /// <summary>The same, but always copied; nothing if the bytes do not match their checksum.</summary>
    /// <param name="page">The page.</param>
    /// <param name="destination">Room for the stored bytes.</param>
    /// <param name="scratch">As for <see cref="Fetch"/>.</param>
    /// <param name="checksum">The checksum of the bytes.</param>
    public bool TryCopyStored(scoped in PinnedPage page, byte* destination, byte* scratch, out uint checksum)
    {
        ReadOnlySpan<byte> stored = Fetch(page, scratch, out checksum);
        stored.CopyTo(new Span<byte>(destination, stored.Length));
        return ChecksumOf(new ReadOnlySpan<byte>(destination, stored.Length), page.Number) == checksum;
    }

    private ReadOnlySpan<byte> ReadRecord(scoped in PinnedPage page, byte* scratch, out uint checksum)
    {
        Span<byte> record = new(scratch, RecordFormat.HeaderBytes + page.Size);
        // While a slot that names it is held, a record stays where it is.
        _log!.ReadRecord(WrittenBack.Position(page.Word), record, page.Number);
        ReadOnlySpan<byte> stored = record[RecordFormat.HeaderBytes..];
        bool isThePages = RecordFormat.Page(record) == page.Number;
        checksum = isThePages ? RecordFormat.Checksum(record) : ~ChecksumOf(stored, page.Number);
        return stored;
    }

    private static ulong TagFor(uint page, uint checksum) => page | (ulong)checksum << 32;
}
