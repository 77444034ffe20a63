using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Paths;

/// <summary>x64 with AVX2, BMI2 and fast PDEP and PEXT: Intel since Haswell, AMD since Zen 3.</summary>
/// <remarks>
/// Written with the instructions' own names instead of <see cref="Vector256"/>: compiled ahead of time for any x64, the latter would be
/// calls.
/// </remarks>
internal readonly unsafe struct Avx2Path : IInstructionPath
{
    public static string Name => "avx2-bmi2";

    public static bool IsSupported => Avx2.IsSupported && Bmi2.X64.IsSupported && Bmi1.X64.IsSupported && Lzcnt.X64.IsSupported
        && Popcnt.X64.IsSupported && !InstructionPaths.DepositIsMicrocode;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualBytes(byte* a, byte* b) =>
        (uint)Avx2.MoveMask(Avx2.CompareEqual(Avx.LoadVector256(a), Avx.LoadVector256(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy16(byte* to, byte* from) => Sse2.Store(to, Sse2.LoadVector128(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy32(byte* to, byte* from) => Avx.Store(to, Avx.LoadVector256(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat32(byte* to, byte* period, byte* indexes) =>
        Avx.Store(to, Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(period), Avx.LoadVector256(indexes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end)
    {
        Vector256<byte> repeated = Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(period), Avx.LoadVector256(indexes));
        do
        {
            Avx.Store(to, repeated);
            Avx.Store(to + step, repeated);
            to += 2 * step;
        }
        while (to < end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Deposit(ulong bits, ulong mask) => Bmi2.X64.ParallelBitDeposit(bits, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong fields, ulong mask) => Bmi2.X64.ParallelBitExtract(fields, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint CountBits(ulong value) => (nint)Popcnt.X64.PopCount(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint TrailingZeros(ulong value) => (nint)Bmi1.X64.TrailingZeroCount(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint LeadingZeros(ulong value) => (nint)Lzcnt.X64.LeadingZeroCount(value);

    public static void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, IMatchShape => Avx2Matching.Hash<TShape>(text, indexes, entries, first, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape => Avx2Matching.Exchange<TShape>(table, indexes, entries, distances);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape => Avx2Matching.LookUp<TShape>(table, moreBits, indexes, entries, reach, distances);
}

/// <summary>x64 with AVX2, but without PDEP and PEXT, or with slow ones: AMD before Zen 3.</summary>
internal readonly unsafe struct Avx2WithoutDepositPath : IInstructionPath
{
    public static string Name => "avx2";

    public static bool IsSupported => Avx2.IsSupported && Bmi1.X64.IsSupported && Lzcnt.X64.IsSupported && Popcnt.X64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualBytes(byte* a, byte* b) => Avx2Path.EqualBytes(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy16(byte* to, byte* from) => Avx2Path.Copy16(to, from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy32(byte* to, byte* from) => Avx2Path.Copy32(to, from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat32(byte* to, byte* period, byte* indexes) => Avx2Path.Repeat32(to, period, indexes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end) =>
        Avx2Path.Repeat(to, period, indexes, step, end);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Deposit(ulong bits, ulong mask) => BitFields.Deposit(bits, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong fields, ulong mask) => BitFields.Extract(fields, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint CountBits(ulong value) => Avx2Path.CountBits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint TrailingZeros(ulong value) => Avx2Path.TrailingZeros(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint LeadingZeros(ulong value) => Avx2Path.LeadingZeros(value);

    public static void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, IMatchShape => Avx2Matching.Hash<TShape>(text, indexes, entries, first, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape => Avx2Matching.Exchange<TShape>(table, indexes, entries, distances);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape => Avx2Matching.LookUp<TShape>(table, moreBits, indexes, entries, reach, distances);
}
