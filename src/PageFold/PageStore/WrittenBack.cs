using PageFold.Allocation;

namespace PageFold.Store;

/// <summary>
/// How a slot holds a page that is in the writeback file: a value with the top bit set. From the low end of the payload: size minus one (16), codec number (2), settled (1), all where an object has them, and the
/// record's position in the file in units of 16 bytes (34).
/// </summary>
internal static class WrittenBack
{
    /// <summary>Bytes before a record's stored bytes: the page's number (4) and the check (4).</summary>
    public const int HeaderBytes = 8;

    public const int UnitShift = 4;
    public const int PositionBits = 34;

    private const int PositionShift = 29;
    private const ulong Bit = 1UL << 63;
    private const ulong FormMask = (1UL << SlotWord.SizeBits + SlotWord.CodecBits + 1) - 1;

    public static bool Is(ulong word) => (long)word < 0 && SlotWord.Kind(word) == SlotKind.Value;

    /// <summary>The word of a page of the same form whose record is there.</summary>
    public static ulong SlotFor(ulong word, long position) =>
        SlotWord.ForPayload(SlotKind.Value, SlotWord.Payload(word) & FormMask) | (ulong)position << PositionShift | Bit;

    /// <summary>Where the record is, in units of 16 bytes.</summary>
    public static long Position(ulong word) => (long)(word >> PositionShift & (1UL << PositionBits) - 1);

    /// <summary>Bytes that a record takes, from a unit to a unit.</summary>
    public static int RecordBytes(int size) => size + HeaderBytes + (1 << UnitShift) - 1 >> UnitShift << UnitShift;
}
