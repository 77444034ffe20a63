using PageFold.Allocation;
using PageFold.Store.Log;

namespace PageFold.Store.Index;

/// <summary>
/// How a slot holds a page that is in the writeback file: a value with the top bit set. From the low end of the payload: size minus one
/// (16) and the owner's bits (3), where an object has them, and the record's position in the file in units of 16 bytes (34).
/// </summary>
internal static class WrittenBack
{
    private const int PositionShift = 29;
    private const ulong Bit = 1UL << 63;
    private const ulong FormMask = (1UL << SlotWord.SizeBits + SlotWord.OwnerBits) - 1;

    public static bool Is(ulong word) => (long)word < 0 && SlotWord.Kind(word) == SlotKind.Value;

    /// <summary>The word of a page of the same form whose record is there.</summary>
    public static ulong SlotFor(ulong word, long position) =>
        SlotWord.ForPayload(SlotKind.Value, SlotWord.Payload(word) & FormMask) | (ulong)position << PositionShift | Bit;

    /// <summary>Where the record is, in units of 16 bytes.</summary>
    public static long Position(ulong word) => (long)(word >> PositionShift & (1UL << RecordFormat.PositionBits) - 1);
}
