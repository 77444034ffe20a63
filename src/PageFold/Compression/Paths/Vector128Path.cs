using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Paths;

/// <summary>Vectors of 16 bytes: ARM64 with AdvSimd, and x64 with SSE4.1 and no more.</summary>
internal readonly unsafe struct Vector128Path : IInstructionPath
{
    public static string Name => "vector128";

    public static bool IsSupported => X86Base.IsSupported ? Sse41.IsSupported : Vector128.IsHardwareAccelerated;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualBytes(byte* a, byte* b) =>
        Vector128.Equals(Vector128.Load(a), Vector128.Load(b)).ExtractMostSignificantBits()
            | Vector128.Equals(Vector128.Load(a + 16), Vector128.Load(b + 16)).ExtractMostSignificantBits() << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy16(byte* to, byte* from) => Vector128.Load(from).Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy32(byte* to, byte* from)
    {
        Vector128<byte> low = Vector128.Load(from);
        Vector128<byte> high = Vector128.Load(from + 16);
        low.Store(to);
        high.Store(to + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat32(byte* to, byte* period, byte* indexes)
    {
        Vector128<byte> bytes = Vector128.Load(period);
        Shuffle(bytes, Vector128.Load(indexes)).Store(to);
        Shuffle(bytes, Vector128.Load(indexes + 16)).Store(to + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end)
    {
        Vector128<byte> bytes = Vector128.Load(period);
        Vector128<byte> low = Shuffle(bytes, Vector128.Load(indexes));
        Vector128<byte> high = Shuffle(bytes, Vector128.Load(indexes + 16));
        do
        {
            low.Store(to);
            high.Store(to + 16);
            to += step;
        }
        while (to < end);
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
        // For four positions: their first four bytes, and their fifth one twice.
        Vector128<byte> words = Vector128.Create((byte)0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6);
        Vector128<byte> fifths = Vector128.Create((byte)255, 4, 255, 4, 255, 5, 255, 5, 255, 6, 255, 6, 255, 7, 255, 7);
        Vector128<uint> factor = Vector128.Create(MatchFinder.Factor);
        Vector128<uint> four = Vector128.Create(4u);
        Vector128<uint> place = Vector128.Create(0u, 1, 2, 3) + Vector128.Create(first);
        for (uint* end = indexes + count; indexes < end; indexes += 4, entries += 4, text += 4)
        {
            Vector128<byte> bytes = Vector128.Load(text);
            Vector128<uint> hash = Multiply(Shuffle(bytes, words).AsUInt32(), factor)
                ^ Shuffle(bytes, fifths).AsUInt32();
            (hash >>> (32 - TShape.IndexBits)).Store(indexes);
            ((hash << (32 - TShape.TagBits)) + place).Store(entries);
            place += four;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape =>
        Exchange8<TShape>(table, indexes, entries, distances)
            | Exchange8<TShape>(table, indexes + 8, entries + 8, distances + 8) << 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape =>
        LookUp8<TShape>(table, moreBits, indexes, entries, reach, distances)
            | LookUp8<TShape>(table, moreBits, indexes + 8, entries + 8, reach + 8, distances + 8) << 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint LookUp8<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape
    {
        Vector128<ushort> found = Vector128.Narrow(
            DictionaryDistances<TShape>(table, moreBits, indexes, entries, reach),
            DictionaryDistances<TShape>(table, moreBits, indexes + 4, entries + 4, reach + 4));
        Vector128<ushort> known = Vector128.Load(distances);
        Vector128<ushort> all = known | found & Vector128.Equals(known, Vector128<ushort>.Zero);
        all.Store(distances);
        return ~Vector128.Equals(all, Vector128<ushort>.Zero).ExtractMostSignificantBits() & byte.MaxValue;
    }

    /// <summary>Returns the distances of four positions to their candidates in a dictionary; zero for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> DictionaryDistances<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach)
        where TShape : struct, IMatchShape
    {
        Vector128<uint> found = Vector128.Create(
            table[MatchDictionary.Index(indexes[0], entries[0], moreBits)], table[MatchDictionary.Index(indexes[1], entries[1], moreBits)],
            table[MatchDictionary.Index(indexes[2], entries[2], moreBits)], table[MatchDictionary.Index(indexes[3], entries[3], moreBits)]);
        Vector128<uint> position = Vector128.Create(0u, 1, 2, 3) + Vector128.Create(reach);
        Vector128<uint> distance = position - (found & Vector128.Create((uint)ushort.MaxValue));
        // Zero: the tag is the same, and the distance is not too far.
        Vector128<uint> differ = (found ^ Vector128.Load(entries)) >>> (32 - TShape.TagBits) | distance >>> MatchDictionary.PositionBits;
        return distance & Vector128.Equals(differ, Vector128<uint>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Exchange8<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape
    {
        Vector128<uint> near = Distances(table, indexes, entries);
        Vector128<uint> far = Distances(table, indexes + 4, entries + 4);
        // Zero above the position: the tag and the generation are the same, and the difference is a distance.
        Vector128<uint> nearHits = Vector128.Equals(near >>> TShape.PositionBits, Vector128<uint>.Zero);
        Vector128<uint> farHits = Vector128.Equals(far >>> TShape.PositionBits, Vector128<uint>.Zero);
        Vector128.Narrow(near & nearHits, far & farHits).Store(distances);
        return nearHits.ExtractMostSignificantBits() | farHits.ExtractMostSignificantBits() << 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Distances(uint* table, uint* indexes, uint* entries)
    {
        uint* a = table + (nuint)indexes[0];
        uint first = *a;
        *a = entries[0];
        uint* b = table + (nuint)indexes[1];
        uint second = *b;
        *b = entries[1];
        uint* c = table + (nuint)indexes[2];
        uint third = *c;
        *c = entries[2];
        uint* d = table + (nuint)indexes[3];
        uint fourth = *d;
        *d = entries[3];
        return Vector128.Load(entries) - Vector128.Create(first, second, third, fourth);
    }

    // Compiled ahead of time for any x64, the vectors' own methods are calls or several instructions, and these are one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Shuffle(Vector128<byte> bytes, Vector128<byte> indexes) =>
        X86Base.IsSupported ? Ssse3.Shuffle(bytes, indexes) : Vector128.ShuffleNative(bytes, indexes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Multiply(Vector128<uint> a, Vector128<uint> b) =>
        X86Base.IsSupported ? Sse41.MultiplyLow(a, b) : a * b;
}
