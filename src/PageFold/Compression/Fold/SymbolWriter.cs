using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PageFold.Compression.Fold;

/// <summary>Chooses a literal table, and codes literals in interleaved streams.</summary>
internal static unsafe class SymbolWriter
{
    // Fewer symbols are not worth the codes' fields in the header.
    private const int MinCoded = 16;

    private const int MinGain = 2;

    // So many costs of at most 11 bits fit a byte.
    private const int CostsInByte = 23;

    // At least so many literals of a text are looked at; of longer ones every second, third and so on.
    private const int Sampled = 256;
    private const int BitsOfFields = 56;

    /// <summary>Codes the symbols of a block in streams, if that gains enough; otherwise they stay as they are.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="symbols">The symbols.</param>
    /// <param name="block">Has their number; receives the rest.</param>
    /// <param name="headerBits">Bits that the header has more for a block that is coded.</param>
    /// <param name="gainShift">The share of the bytes that it must gain, as a power of two: 5 for a 32nd.</param>
    /// <param name="streams">Receives the streams, each one as it goes upwards.</param>
    /// <param name="stride">Bytes from one stream to the next.</param>
    public static void TryWrite(
        PrefixTables codes, byte* symbols, ref SymbolBlock block, int headerBits, int gainShift, byte* streams, int stride)
    {
        int count = block.Count;
        if (count < MinCoded || codes.Count == 0)
            return;
        long bits = headerBits;
        uint** segments = stackalloc uint*[SymbolBlock.MaxSegments];
        for (int segment = 0, end = count; end > 0; segment++, end -= SymbolBlock.SegmentLength)
        {
            int start = Math.Max(0, end - SymbolBlock.SegmentLength);
            int code = Choose(codes.Costs, symbols + start, end - start, out int segmentBits);
            block.Codes[segment] = (byte)(code + 1);
            segments[segment] = codes.Encode + code * PrefixCode.Symbols;
            bits += segmentBits;
        }
        int wanted = (count >> gainShift) + MinGain;
        int total = 0;
        if (bits / 8 < count - wanted)
        {
            int number = 2 * block.RegionCount - 1;
            for (int stream = 0; stream < number; stream++)
            {
                block.Streams[stream] = Write(segments, symbols, count, stream, number, streams + stream * stride);
                total += block.Streams[stream];
            }
            block.Regions[0] = block.Streams[0];
            for (int region = 1; region < block.RegionCount; region++)
                block.Regions[region] = block.Streams[2 * region - 1] + block.Streams[2 * region];
        }
        if (total == 0 || total + headerBits / 8 > count - wanted)
            block.Codes[0] = 0;
    }

    /// <summary>Copies a block's streams to their regions; returns the end.</summary>
    /// <param name="to">Where the first region begins.</param>
    /// <param name="block">The block, which is coded.</param>
    /// <param name="streams">The streams.</param>
    /// <param name="stride">Bytes from one stream to the next.</param>
    /// <param name="other">What goes downwards from the end of the first region.</param>
    /// <param name="otherBytes">Bytes of that.</param>
    public static byte* Copy(byte* to, in SymbolBlock block, byte* streams, int stride, byte* other, int otherBytes)
    {
        Unsafe.CopyBlockUnaligned(to, streams, (uint)block.Streams[0]);
        to += block.Streams[0];
        CopyReversed(to, other, otherBytes);
        to += otherBytes;
        for (int stream = 1; stream < 2 * block.RegionCount - 1; stream += 2)
        {
            Unsafe.CopyBlockUnaligned(to, streams + stream * stride, (uint)block.Streams[stream]);
            to += block.Streams[stream];
            CopyReversed(to, streams + (stream + 1) * stride, block.Streams[stream + 1]);
            to += block.Streams[stream + 1];
        }
        return to;
    }

    /// <summary>Returns the code with the fewest bits for a sample of the symbols, and about how many bits all of them take.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Choose(byte* costs, byte* symbols, int count, out int bits)
    {
        Vector128<ushort> low = Vector128<ushort>.Zero;
        Vector128<ushort> high = Vector128<ushort>.Zero;
        int step = Math.Max(1, count / Sampled);
        int taken = 0;
        for (int i = 0; i < count;)
        {
            Vector128<byte> sum = Vector128<byte>.Zero;
            for (int k = 0; k < CostsInByte && i < count; k++, i += step, taken++)
                sum += Vector128.Load(costs + symbols[i] * PrefixTables.CostStride);
            low += Vector128.WidenLower(sum);
            high += Vector128.WidenUpper(sum);
        }
        ushort* sums = stackalloc ushort[PrefixTables.CostStride];
        low.Store(sums);
        high.Store(sums + PrefixTables.CostStride / 2);
        int best = 0;
        for (int code = 1; code < PrefixTables.Max; code++)
        {
            if (sums[code] < sums[best])
                best = code;
        }
        bits = (int)((long)sums[best] * count / taken);
        return best;
    }

    /// <summary>Codes one stream's symbols; returns its bytes. Up to eight bytes more are written.</summary>
    /// <param name="segments">The code of each segment, from the last one.</param>
    /// <param name="symbols">All symbols.</param>
    /// <param name="count">Their number.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="streams">The number of streams.</param>
    /// <param name="to">Receives the stream, as one that goes upwards.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Write(uint** segments, byte* symbols, int count, int stream, int streams, byte* to)
    {
        byte* start = to;
        ulong bits = 0;
        int length = 0;
        byte* from = symbols + count - 1 - stream;
        byte* segmentStart = symbols + count;
        do
        {
            uint* codes = *segments++;
            segmentStart -= SymbolBlock.SegmentLength;
            if (segmentStart < symbols)
                segmentStart = symbols;
            for (byte* five = segmentStart + 4 * streams; from >= five; from -= 5 * streams)
            {
                // At most 7 bits are left, and five codes have at most 55.
                Add(codes[from[0]], ref bits, ref length);
                Add(codes[from[-streams]], ref bits, ref length);
                Add(codes[from[-2 * streams]], ref bits, ref length);
                Add(codes[from[-3 * streams]], ref bits, ref length);
                Add(codes[from[-4 * streams]], ref bits, ref length);
                Unsafe.WriteUnaligned(to, bits);
                to += length >> 3;
                bits >>= length & BitsOfFields;
                length &= 7;
            }
            for (; from >= segmentStart; from -= streams)
            {
                Add(codes[*from], ref bits, ref length);
                Unsafe.WriteUnaligned(to, bits);
                to += length >> 3;
                bits >>= length & BitsOfFields;
                length &= 7;
            }
        }
        while (segmentStart > symbols);
        return (int)(to - start) + (length + 7 >> 3);
    }

    /// <summary>Copies bytes in the opposite order.</summary>
    public static void CopyReversed(byte* to, byte* from, int count)
    {
        int i = 0;
        for (; i <= count - sizeof(ulong); i += sizeof(ulong))
        {
            Unsafe.WriteUnaligned(to + count - sizeof(ulong) - i,
                BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(from + i)));
        }
        for (; i < count; i++)
            to[count - 1 - i] = from[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(uint code, ref ulong bits, ref int length)
    {
        bits |= (ulong)(code >> 8) << length;
        length += (byte)code;
    }
}
