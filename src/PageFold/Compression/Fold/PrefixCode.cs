namespace PageFold.Compression.Fold;

/// <summary>Canonical prefix codes of the 256 byte values, from the lengths of their codes.</summary>
internal static class PrefixCode
{
    /// <summary>Bits of the longest code.</summary>
    public const int MaxBits = 11;

    /// <summary>Values that have a code.</summary>
    public const int Symbols = 256;

    /// <summary>True if the lengths are those of a complete code: every string of bits is one way to read codes.</summary>
    public static bool IsComplete(ReadOnlySpan<byte> lengths)
    {
        long sum = 0;
        foreach (byte length in lengths)
        {
            if (length is 0 or > MaxBits)
                return false;
            sum += 1L << MaxBits - length;
        }
        return sum == 1L << MaxBits;
    }

    /// <summary>Computes the codes, to be read from the least significant bit.</summary>
    /// <remarks>Codes are counted up by length and, among equal lengths, by value, and then reversed.</remarks>
    public static void Assign(ReadOnlySpan<byte> lengths, Span<ushort> codes)
    {
        int next = 0;
        for (int length = 1; length <= MaxBits; length++)
        {
            for (int symbol = 0; symbol < Symbols; symbol++)
            {
                if (lengths[symbol] == length)
                    codes[symbol] = Reverse(next++, length);
            }
            next <<= 1;
        }
    }

    private static ushort Reverse(int code, int length)
    {
        int reversed = 0;
        for (int bit = 0; bit < length; bit++)
            reversed |= (code >> bit & 1) << length - 1 - bit;
        return (ushort)reversed;
    }
}
