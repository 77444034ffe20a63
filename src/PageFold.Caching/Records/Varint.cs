namespace PageFold.Caching.Records;

/// <summary>Numbers in as few bytes as they need: seven bits a byte, the lowest first, the high bit set in all but the last.</summary>
internal static class Varint
{
    public const int MaxLength = 5;

    public static int LengthOf(uint value)
    {
        int length = 1;
        for (; value >= 0x80; value >>= 7)
            length++;
        return length;
    }

    /// <summary>Writes a number; returns the bytes written.</summary>
    public static int Write(Span<byte> destination, uint value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
            destination[length++] = (byte)(value | 0x80);
        destination[length++] = (byte)value;
        return length;
    }

    /// <summary>Reads a number and moves the offset behind it; false if the bytes end before, or are none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int offset, out uint value)
    {
        value = 0;
        for (int shift = 0; shift < 7 * MaxLength && offset < source.Length; shift += 7)
        {
            byte next = source[offset++];
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
                return true;
        }
        return false;
    }
}
