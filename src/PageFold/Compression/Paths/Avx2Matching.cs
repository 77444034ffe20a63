using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Paths;

/// <summary>
/// The match finder's steps with AVX2: eight hashes at a time, and sixteen look-ups whose results are compared as vectors.
/// </summary>
internal static unsafe class Avx2Matching
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, IMatchShape
    {
        // For eight positions: their first four bytes, and their fifth one twice.
        Vector256<byte> words = Vector256.Create(
            (byte)0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10);
        Vector256<byte> fifths = Vector256.Create(
            (byte)128, 4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7,
            128, 8, 128, 8, 128, 9, 128, 9, 128, 10, 128, 10, 128, 11, 128, 11);
        Vector256<uint> factor = Vector256.Create(MatchFinder.Factor);
        Vector256<uint> eight = Vector256.Create(8u);
        Vector256<uint> place = Avx2.Add(Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7), Vector256.Create(first));
        for (uint* end = indexes + count; indexes < end; indexes += 8, entries += 8, text += 8)
        {
            Vector256<byte> bytes = Avx2.BroadcastVector128ToVector256(text);
            Vector256<uint> hash = Avx2.Xor(
                Avx2.MultiplyLow(Avx2.Shuffle(bytes, words).AsUInt32(), factor), Avx2.Shuffle(bytes, fifths).AsUInt32());
            Avx.Store(indexes, Index<TShape>(hash));
            Avx.Store(entries, Avx2.Add(Tag<TShape>(hash), place));
            place = Avx2.Add(place, eight);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape
    {
        Vector256<uint> near = Distances(table, indexes, entries);
        Vector256<uint> far = Distances(table, indexes + 8, entries + 8);
        // Zero above the position: the tag and the generation are the same, and the difference is a distance.
        Vector256<uint> nearHits = Avx2.CompareEqual(AbovePosition<TShape>(near), Vector256<uint>.Zero);
        Vector256<uint> farHits = Avx2.CompareEqual(AbovePosition<TShape>(far), Vector256<uint>.Zero);
        Vector256<ushort> packed = Avx2.PackUnsignedSaturate(Avx2.And(near, nearHits).AsInt32(), Avx2.And(far, farHits).AsInt32());
        Avx.Store(distances, Avx2.Permute4x64(packed.AsUInt64(), 0b11_01_10_00).AsUInt16());
        return (uint)Avx.MoveMask(nearHits.AsSingle()) | (uint)Avx.MoveMask(farHits.AsSingle()) << 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape
    {
        Vector256<uint> near = DictionaryDistances<TShape>(table, moreBits, indexes, entries, reach);
        Vector256<uint> far = DictionaryDistances<TShape>(table, moreBits, indexes + 8, entries + 8, reach + 8);
        Vector256<ushort> found = Avx2.Permute4x64(
            Avx2.PackUnsignedSaturate(near.AsInt32(), far.AsInt32()).AsUInt64(), 0b11_01_10_00).AsUInt16();
        Vector256<ushort> known = Avx.LoadVector256(distances);
        Vector256<ushort> all = Avx2.Or(known, Avx2.And(found, Avx2.CompareEqual(known, Vector256<ushort>.Zero)));
        Avx.Store(distances, all);
        Vector256<short> none = Avx2.CompareEqual(all, Vector256<ushort>.Zero).AsInt16();
        Vector128<sbyte> bytes = Sse2.PackSignedSaturate(none.GetLower(), Avx2.ExtractVector128(none, 1));
        return ~(uint)Sse2.MoveMask(bytes) & ushort.MaxValue;
    }

    /// <summary>Returns the distances of eight positions to their candidates in a dictionary; zero for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> DictionaryDistances<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach)
        where TShape : struct, IMatchShape
    {
        Vector256<uint> wanted = Avx.LoadVector256(entries);
        Vector256<uint> places = Avx2.Or(
            Avx2.ShiftLeftLogical(Avx.LoadVector256(indexes), Sse2.ConvertScalarToVector128UInt32((uint)moreBits)),
            Avx2.ShiftRightLogical(wanted, Sse2.ConvertScalarToVector128UInt32((uint)(32 - moreBits))));
        // Single loads, because many processors have a slow gather.
        Avx.Store(indexes, places);
        Vector128<uint> low = Sse2.LoadScalarVector128(table + (nuint)indexes[0]);
        low = Sse41.Insert(low, table[(nuint)indexes[1]], 1);
        low = Sse41.Insert(low, table[(nuint)indexes[2]], 2);
        low = Sse41.Insert(low, table[(nuint)indexes[3]], 3);
        Vector128<uint> high = Sse2.LoadScalarVector128(table + (nuint)indexes[4]);
        high = Sse41.Insert(high, table[(nuint)indexes[5]], 1);
        high = Sse41.Insert(high, table[(nuint)indexes[6]], 2);
        high = Sse41.Insert(high, table[(nuint)indexes[7]], 3);
        Vector256<uint> found = Avx2.InsertVector128(low.ToVector256Unsafe(), high, 1);
        Vector256<uint> position = Avx2.Add(Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7), Vector256.Create(reach));
        Vector256<uint> distance = Avx2.Subtract(position, Avx2.And(found, Vector256.Create((uint)ushort.MaxValue)));
        // Zero: the tag is the same, and the distance is not too far.
        Vector256<uint> differ = Avx2.Or(
            OfTag<TShape>(Avx2.Xor(found, wanted)), Avx2.ShiftRightLogical(distance, MatchDictionary.PositionBits));
        return Avx2.And(distance, Avx2.CompareEqual(differ, Vector256<uint>.Zero));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Distances(uint* table, uint* indexes, uint* entries)
    {
        uint* a = table + (nuint)indexes[0];
        Vector128<uint> low = Sse2.LoadScalarVector128(a);
        *a = entries[0];
        uint* b = table + (nuint)indexes[1];
        low = Sse41.Insert(low, *b, 1);
        *b = entries[1];
        uint* c = table + (nuint)indexes[2];
        low = Sse41.Insert(low, *c, 2);
        *c = entries[2];
        uint* d = table + (nuint)indexes[3];
        low = Sse41.Insert(low, *d, 3);
        *d = entries[3];
        uint* e = table + (nuint)indexes[4];
        Vector128<uint> high = Sse2.LoadScalarVector128(e);
        *e = entries[4];
        uint* f = table + (nuint)indexes[5];
        high = Sse41.Insert(high, *f, 1);
        *f = entries[5];
        uint* g = table + (nuint)indexes[6];
        high = Sse41.Insert(high, *g, 2);
        *g = entries[6];
        uint* h = table + (nuint)indexes[7];
        high = Sse41.Insert(high, *h, 3);
        *h = entries[7];
        return Avx2.Subtract(Avx.LoadVector256(entries), Avx2.InsertVector128(low.ToVector256Unsafe(), high, 1));
    }

    // The instruction has the width in itself, so each shape's is written out; the compiler keeps one of them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Index<TShape>(Vector256<uint> hash)
        where TShape : struct, IMatchShape => TShape.IndexBits == SmallShape.IndexBits
        ? Avx2.ShiftRightLogical(hash, 32 - SmallShape.IndexBits)
        : Avx2.ShiftRightLogical(hash, 32 - LargeShape.IndexBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Tag<TShape>(Vector256<uint> hash)
        where TShape : struct, IMatchShape => TShape.TagBits == SmallShape.TagBits
        ? Avx2.ShiftLeftLogical(hash, 32 - SmallShape.TagBits)
        : Avx2.ShiftLeftLogical(hash, 32 - LargeShape.TagBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> AbovePosition<TShape>(Vector256<uint> difference)
        where TShape : struct, IMatchShape => TShape.PositionBits == SmallShape.PositionBits
        ? Avx2.ShiftRightLogical(difference, SmallShape.PositionBits)
        : Avx2.ShiftRightLogical(difference, LargeShape.PositionBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> OfTag<TShape>(Vector256<uint> difference)
        where TShape : struct, IMatchShape => TShape.TagBits == SmallShape.TagBits
        ? Avx2.ShiftRightLogical(difference, 32 - SmallShape.TagBits)
        : Avx2.ShiftRightLogical(difference, 32 - LargeShape.TagBits);
}
