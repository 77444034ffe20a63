using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PageFold.Compression.Fold;

/// <summary>Chooses a literal table, and codes literals in interleaved streams.</summary>
internal static unsafe class LiteralWriter
{
    private const int Tables = FoldTables.MaxLiteralTables;

    // So many costs of at most 11 bits fit a byte.
    private const int CostsInByte = 23;

    // At least so many literals of a text are looked at; of longer ones every second, third and so on.
    private const int Sampled = 256;
    private const int BitsOfFields = 56;

    /// <summary>Returns the table with the fewest bits for a sample of the literals, and about how many bits all of them take.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Choose(FoldTables tables, byte* literals, int count, out int bits)
    {
        byte* costs = tables.LiteralCosts;
        Vector128<ushort> low = Vector128<ushort>.Zero;
        Vector128<ushort> high = Vector128<ushort>.Zero;
        int step = Math.Max(1, count / Sampled);
        int taken = 0;
        for (int i = 0; i < count;)
        {
            Vector128<byte> sum = Vector128<byte>.Zero;
            for (int k = 0; k < CostsInByte && i < count; k++, i += step, taken++)
                sum += Vector128.Load(costs + literals[i] * Tables);
            low += Vector128.WidenLower(sum);
            high += Vector128.WidenUpper(sum);
        }
        ushort* sums = stackalloc ushort[Tables];
        low.Store(sums);
        high.Store(sums + Tables / 2);
        int best = 0;
        for (int table = 1; table < Tables; table++)
        {
            if (sums[table] < sums[best])
                best = table;
        }
        bits = (int)((long)sums[best] * count / taken);
        return best;
    }

    /// <summary>Codes one stream's literals; returns its bytes. Up to eight bytes more are written.</summary>
    /// <param name="codes">The table.</param>
    /// <param name="literals">All literals.</param>
    /// <param name="count">Their number.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="streams">The number of streams.</param>
    /// <param name="to">Receives the stream, as one that goes upwards.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Write(uint* codes, byte* literals, int count, int stream, int streams, byte* to)
    {
        byte* start = to;
        ulong bits = 0;
        int length = 0;
        byte* from = literals + count - 1 - stream;
        for (byte* five = literals + 4 * streams; from >= five; from -= 5 * streams)
        {
            // At most 7 bits are left, and five codes have at most 55; the sixth code's length in the word's low byte does no harm.
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
        for (; from >= literals; from -= streams)
        {
            Add(codes[*from], ref bits, ref length);
            Unsafe.WriteUnaligned(to, bits);
            to += length >> 3;
            bits >>= length & BitsOfFields;
            length &= 7;
        }
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
