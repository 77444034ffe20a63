using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Decodes coded literals from one, three or seven interleaved streams.</summary>
/// <remarks>
/// <para>
/// To decode a code takes a look-up and a shift, each of which waits for the one before; streams side by side fill that time. The
/// literals are decoded from the last to the first, the n-th of them from stream n modulo the number of streams. So the 16 bits of a
/// table's entry are stored as they are: the lower byte, the code's length, is overwritten by the literal before.
/// </para>
/// <para>
/// A stream is read upwards from a region's start or downwards from its end, so two streams need one length. The bits that are left of a
/// stream lie in a register below a marker bit: the zeros above it tell how many were taken. 56 bits are read at a time, enough for
/// five codes. What a damaged stream makes of it stays in bounds: a code has at most 11 bits, and the packed bytes lie in a buffer with
/// room for so many on both sides.
/// </para>
/// <para>
/// A damaged stream may be read beyond its region, and so beyond the packed bytes, where an earlier text's bytes lie. So each method
/// returns false if the places of the last refills crossed: up to those, only literals of the text were taken. From there on at most eight
/// bytes are read, and the decoder sets so many on both sides of the packed bytes to zero.
/// </para>
/// </remarks>
internal static unsafe class SymbolReader
{
    /// <summary>Bytes before the literals that are written too.</summary>
    public const int Front = 64;

    private const ulong Marker = 1UL << 63;
    private const uint CodeMask = (1 << PrefixCode.MaxBits) - 1;

    /// <summary>Decodes the symbols of a block; false if their codes are not there, or they lie beyond their regions.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="block">The block, which is coded.</param>
    /// <param name="symbols">Receives the symbols.</param>
    /// <param name="start">Where the first region begins.</param>
    /// <param name="second">Where the second region begins; with one region, where that ends.</param>
    public static bool TryRead<TPath>(PrefixTables codes, in SymbolBlock block, byte* symbols, byte* start, byte* second)
        where TPath : struct, IInstructionPath
    {
        ushort** segments = stackalloc ushort*[SymbolBlock.MaxSegments];
        for (int segment = 0; segment < block.SegmentCount; segment++)
        {
            int code = block.Codes[segment] - 1;
            if ((uint)code >= (uint)codes.Count)
                return false;
            segments[segment] = codes.Decode + (code << PrefixCode.MaxBits);
        }
        byte* third = second + block.Regions[1];
        byte* fourth = third + block.Regions[2];
        return block.RegionCount switch
        {
            1 => Read1<TPath>(*segments, symbols, block.Count, start, second),
            2 => Read3<TPath>(*segments, symbols, block.Count, start, second, third),
            _ => Read7<TPath>(segments, symbols, block.Count, start, second, third, fourth, fourth + block.Regions[3]),
        };
    }

    /// <summary>Decodes literals of one region; false if they lie beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Read1<TPath>(ushort* table, byte* literals, int count, byte* start, byte* end)
        where TPath : struct, IInstructionPath
    {
        byte* to = literals + count - 2;
        ulong bits0 = Marker;
        do
        {
            Up<TPath>(ref start, ref bits0);
            bits0 = Take(table, bits0, to);
            bits0 = Take(table, bits0, to - 1);
            bits0 = Take(table, bits0, to - 2);
            bits0 = Take(table, bits0, to - 3);
            bits0 = Take(table, bits0, to - 4);
            to -= 5;
        }
        while (to > literals - 2);
        return start <= end;
    }

    /// <summary>Decodes literals of two regions; false if they lie beyond theirs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Read3<TPath>(ushort* table, byte* literals, int count, byte* start, byte* second, byte* end)
        where TPath : struct, IInstructionPath
    {
        byte* to = literals + count - 2;
        byte* firstEnd = second;
        end -= sizeof(ulong);
        ulong bits0 = Marker;
        ulong bits1 = Marker;
        ulong bits2 = Marker;
        do
        {
            Up<TPath>(ref start, ref bits0);
            Up<TPath>(ref second, ref bits1);
            Down<TPath>(ref end, ref bits2);
            Take3(table, ref bits0, ref bits1, ref bits2, to);
            Take3(table, ref bits0, ref bits1, ref bits2, to - 3);
            Take3(table, ref bits0, ref bits1, ref bits2, to - 6);
            Take3(table, ref bits0, ref bits1, ref bits2, to - 9);
            Take3(table, ref bits0, ref bits1, ref bits2, to - 12);
            to -= 15;
        }
        while (to > literals - 2);
        return start <= firstEnd && second <= end + sizeof(ulong);
    }

    /// <summary>Decodes literals of four regions; false if they lie beyond theirs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Read7<TPath>(
        ushort** segments, byte* literals, int count, byte* start, byte* second, byte* third, byte* fourth, byte* end)
        where TPath : struct, IInstructionPath
    {
        byte* to = literals + count - 2;
        byte* firstEnd = second;
        byte* secondEnd = third - sizeof(ulong);
        byte* thirdEnd = fourth - sizeof(ulong);
        end -= sizeof(ulong);
        ulong bits0 = Marker;
        ulong bits1 = Marker;
        ulong bits2 = Marker;
        ulong bits3 = Marker;
        ulong bits4 = Marker;
        ulong bits5 = Marker;
        ulong bits6 = Marker;
        do
        {
            ushort* table = *segments++;
            byte* segmentEnd = to - SymbolBlock.SegmentLength > literals - 2 ? to - SymbolBlock.SegmentLength : literals - 2;
            do
            {
                Up<TPath>(ref start, ref bits0);
                Up<TPath>(ref second, ref bits1);
                Down<TPath>(ref secondEnd, ref bits2);
                Up<TPath>(ref third, ref bits3);
                Down<TPath>(ref thirdEnd, ref bits4);
                Up<TPath>(ref fourth, ref bits5);
                Down<TPath>(ref end, ref bits6);
                Take7(table, ref bits0, ref bits1, ref bits2, ref bits3, ref bits4, ref bits5, ref bits6, to);
                Take7(table, ref bits0, ref bits1, ref bits2, ref bits3, ref bits4, ref bits5, ref bits6, to - 7);
                Take7(table, ref bits0, ref bits1, ref bits2, ref bits3, ref bits4, ref bits5, ref bits6, to - 14);
                Take7(table, ref bits0, ref bits1, ref bits2, ref bits3, ref bits4, ref bits5, ref bits6, to - 21);
                Take7(table, ref bits0, ref bits1, ref bits2, ref bits3, ref bits4, ref bits5, ref bits6, to - 28);
                to -= 35;
            }
            while (to > segmentEnd);
        }
        while (to > literals - 2);
        return start <= firstEnd && second <= secondEnd + sizeof(ulong) && third <= thirdEnd + sizeof(ulong)
            && fourth <= end + sizeof(ulong);
    }

    /// <summary>Fills a stream that goes upwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Up<TPath>(ref byte* at, ref ulong bits)
        where TPath : struct, IInstructionPath
    {
        nint taken = TPath.LeadingZeros(bits);
        at += taken >> 3;
        bits = (Unsafe.ReadUnaligned<ulong>(at) | Marker) >> (int)(taken & 7);
    }

    /// <summary>Fills a stream that goes downwards; its bytes are those before <paramref name="at"/> + 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Down<TPath>(ref byte* at, ref ulong bits)
        where TPath : struct, IInstructionPath
    {
        nint taken = TPath.LeadingZeros(bits);
        at -= taken >> 3;
        bits = (BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(at)) | Marker) >> (int)(taken & 7);
    }

    /// <summary>Decodes a literal to the byte after <paramref name="to"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Take(ushort* table, ulong bits, byte* to)
    {
        uint entry = table[(uint)bits & CodeMask];
        Unsafe.WriteUnaligned(to, (ushort)entry);
        return bits >> (int)entry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take3(ushort* table, ref ulong bits0, ref ulong bits1, ref ulong bits2, byte* to)
    {
        bits0 = Take(table, bits0, to);
        bits1 = Take(table, bits1, to - 1);
        bits2 = Take(table, bits2, to - 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take7(ushort* table, ref ulong bits0, ref ulong bits1, ref ulong bits2, ref ulong bits3, ref ulong bits4,
        ref ulong bits5, ref ulong bits6, byte* to)
    {
        bits0 = Take(table, bits0, to);
        bits1 = Take(table, bits1, to - 1);
        bits2 = Take(table, bits2, to - 2);
        bits3 = Take(table, bits3, to - 3);
        bits4 = Take(table, bits4, to - 4);
        bits5 = Take(table, bits5, to - 5);
        bits6 = Take(table, bits6, to - 6);
    }
}
