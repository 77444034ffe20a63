using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Allocation;

/// <summary>Bits in consecutive 64-bit words, as a zspage's descriptor keeps them.</summary>
internal static unsafe class Bitmap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Get(ulong* words, int bit) => (words[bit >> 6] >> (bit & 63) & 1) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(ulong* words, int bit) => words[bit >> 6] |= 1UL << (bit & 63);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(ulong* words, int bit) => words[bit >> 6] &= ~(1UL << (bit & 63));

    /// <summary>True if any bit from <paramref name="first"/> to <paramref name="last"/> is set.</summary>
    public static bool AnyInRange(ulong* words, int first, int last)
    {
        for (int word = first >> 6; word <= last >> 6; word++)
        {
            if ((words[word] & RangeMask(word, first, last)) != 0)
                return true;
        }
        return false;
    }

    /// <summary>The lowest bit that is set in the first map and not in the second; -1 if there is none.</summary>
    public static int FirstInAndNotIn(ulong* set, ulong* notSet, int count)
    {
        for (int word = 0; word < count; word++)
        {
            ulong bits = set[word] & ~notSet[word];
            if (bits != 0)
                return word << 6 | BitOperations.TrailingZeroCount(bits);
        }
        return -1;
    }

    /// <summary>The lowest bit that is set in neither map; -1 if there is none.</summary>
    public static int FirstInNeither(ulong* one, ulong* other, int count)
    {
        for (int word = 0; word < count; word++)
        {
            ulong bits = ~(one[word] | other[word]);
            if (bits != 0)
                return word << 6 | BitOperations.TrailingZeroCount(bits);
        }
        return -1;
    }

    /// <summary>The highest bit set; -1 if there is none.</summary>
    public static int Last(ulong* words, int count)
    {
        for (int word = count - 1; word >= 0; word--)
        {
            if (words[word] != 0)
                return word << 6 | BitOperations.Log2(words[word]);
        }
        return -1;
    }

    private static ulong RangeMask(int word, int first, int last)
    {
        int low = Math.Max(first - (word << 6), 0);
        int high = Math.Min(last - (word << 6), 63);
        return ulong.MaxValue << low & ulong.MaxValue >> 63 - high;
    }
}
