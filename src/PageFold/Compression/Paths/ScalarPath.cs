using System.Numerics;
using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Paths;

/// <summary>No vectors: any processor.</summary>
internal readonly unsafe struct ScalarPath : IInstructionPath
{
    private const ulong LowBits = 0x7F7F_7F7F_7F7F_7F7F;
    private const ulong Ones = 0x0101_0101_0101_0101;
    private const ulong Gather = 0x0102_0408_1020_4080;

    public static string Name => "scalar";

    public static bool IsSupported => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualBytes(byte* a, byte* b) =>
        Equal8(a, b) | Equal8(a + 8, b + 8) << 8 | Equal8(a + 16, b + 16) << 16 | Equal8(a + 24, b + 24) << 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy16(byte* to, byte* from)
    {
        ulong low = Unsafe.ReadUnaligned<ulong>(from);
        ulong high = Unsafe.ReadUnaligned<ulong>(from + 8);
        Unsafe.WriteUnaligned(to, low);
        Unsafe.WriteUnaligned(to + 8, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy32(byte* to, byte* from)
    {
        ulong a = Unsafe.ReadUnaligned<ulong>(from);
        ulong b = Unsafe.ReadUnaligned<ulong>(from + 8);
        ulong c = Unsafe.ReadUnaligned<ulong>(from + 16);
        ulong d = Unsafe.ReadUnaligned<ulong>(from + 24);
        Unsafe.WriteUnaligned(to, a);
        Unsafe.WriteUnaligned(to + 8, b);
        Unsafe.WriteUnaligned(to + 16, c);
        Unsafe.WriteUnaligned(to + 24, d);
    }

    public static void Repeat32(byte* to, byte* period, byte* indexes)
    {
        // The period lies right before what is written, so the bytes already written continue it.
        for (int i = 0; i < 32; i++)
            to[i] = period[indexes[i]];
    }

    public static void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end)
    {
        Repeat32(to, period, indexes);
        for (to += step; to < end; to += step)
            Copy32(to, to - step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Deposit(ulong bits, ulong mask) => BitFields.Deposit(bits, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong fields, ulong mask) => BitFields.Extract(fields, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint CountBits(ulong value) => BitOperations.PopCount(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint TrailingZeros(ulong value) => BitOperations.TrailingZeroCount(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint LeadingZeros(ulong value) => BitOperations.LeadingZeroCount(value);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, IMatchShape
    {
        for (int i = 0; i < count; i++)
        {
            uint fifth = text[i + 4];
            uint hash = Unsafe.ReadUnaligned<uint>(text + i) * MatchFinder.Factor ^ (fifth << 8 | fifth << 24);
            indexes[i] = hash >> (32 - TShape.IndexBits);
            entries[i] = (hash << (32 - TShape.TagBits)) + first + (uint)i;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape
    {
        uint hits = 0;
        for (int i = 0; i < 16; i++)
        {
            uint* place = table + (nuint)indexes[i];
            uint distance = entries[i] - *place;
            *place = entries[i];
            uint hit = (distance >> TShape.PositionBits) - 1 >> 31;
            distances[i] = (ushort)(distance & (0 - hit));
            hits |= hit << i;
        }
        return hits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape
    {
        uint hits = 0;
        for (int i = 0; i < 16; i++)
        {
            uint entry = table[MatchDictionary.Index(indexes[i], entries[i], moreBits)];
            uint distance = reach + (uint)i - (ushort)entry;
            uint differ = (entry ^ entries[i]) >> (32 - TShape.TagBits) | distance >> MatchDictionary.PositionBits;
            uint isFree = (uint)(distances[i] - 1) >> 31;
            distances[i] |= (ushort)(distance & (0 - (isFree & differ - 1 >> 31)));
            hits |= (uint)(-distances[i]) >> 31 << i;
        }
        return hits;
    }

    /// <summary>A bit for each of eight bytes, set where they are the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Equal8(byte* a, byte* b)
    {
        ulong differ = Unsafe.ReadUnaligned<ulong>(a) ^ Unsafe.ReadUnaligned<ulong>(b);
        // The highest bit of each byte tells whether the byte differs; a multiplication gathers them.
        ulong top = ((differ & LowBits) + LowBits | differ) & ~LowBits;
        return (byte)~((top >> 7 & Ones) * Gather >> 56);
    }
}
