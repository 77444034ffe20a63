using PageFold.Allocation;

namespace PageFold.Store.Index;

/// <summary>
/// What a page store keeps in the owner's bits of a slot: the number of the codec that made the object's bytes (2), and whether a
/// recompression of the page gained nothing (1).
/// </summary>
internal static class PageWord
{
    /// <summary>Codecs that a slot can tell apart.</summary>
    public const int MaxCodecs = 4;

    private const int CodecMask = MaxCodecs - 1;
    private const int WithoutGainBit = MaxCodecs;

    /// <summary>The codec that made the stored bytes, by number; zero also for a page that is stored raw.</summary>
    public static int Codec(ulong word) => SlotWord.Owner(word) & CodecMask;

    /// <summary>True if a recompression gained nothing since the page was written.</summary>
    public static bool IsWithoutGain(ulong word) => (SlotWord.Owner(word) & WithoutGainBit) != 0;

    /// <summary>The word with the note that a recompression gained nothing.</summary>
    public static ulong WithoutGain(ulong word) => SlotWord.WithOwnerBits(word, WithoutGainBit);

    /// <summary>Makes that note in a slot that the caller holds.</summary>
    public static void MarkWithoutGain(ref ulong slot) => SlotWord.SetOwnerBits(ref slot, WithoutGainBit);

    public static bool IsEmpty(ulong word) => SlotWord.Kind(word) == SlotKind.Empty;

    /// <summary>True if a read of the page as a disk's finds zeros: it is not stored, or stored as zeros.</summary>
    public static bool ReadsAsZeros(ulong word) => IsEmpty(word) || SlotWord.Unlocked(word) == SameFilled.SlotFor(0);

    /// <summary>How a page is held; null if it is not stored.</summary>
    public static PageState? StateOf(ulong word, int pageSize) =>
        IsEmpty(word) ? null
        : WrittenBack.Is(word) ? PageState.WrittenBack
        : !SlotWord.HoldsObject(word) ? PageState.SameFilled
        : SlotWord.Size(word) == pageSize ? PageState.Incompressible
        : PageState.Compressed;
}
