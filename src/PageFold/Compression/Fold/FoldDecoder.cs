using System.Runtime.CompilerServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Decodes what <see cref="FoldEncoder"/> made; refuses everything else.</summary>
internal static unsafe class FoldDecoder
{
    /// <summary>Decodes a text; false if the bytes are no encoded text of this length.</summary>
    public static bool TryDecode<TPath>(FoldTables tables, FoldWorkspace workspace, ReadOnlySpan<byte> source, Span<byte> text)
        where TPath : struct, IInstructionPath
    {
        int count = source.Length;
        FoldHeader header = new(text.Length);
        if (count < header.RawBytes || count > text.Length + FoldHeader.MaxBytes || text.Length > workspace.Match.MaxLength)
            return false;
        byte* packed = workspace.Packed;
        fixed (byte* from = source)
            Interop.Block.Copy(packed, from, count);
        byte* end = packed + count;
        // What is read beyond the ends belongs to no stream that is whole, but must be the same each time.
        Unsafe.WriteUnaligned(packed - sizeof(ulong), 0UL);
        Unsafe.WriteUnaligned(end, 0UL);
        ulong low = Unsafe.ReadUnaligned<ulong>(packed);
        int table = (int)(low & ((1u << FoldHeader.TableBits) - 1));
        int tokenCount = (int)(low >> FoldHeader.TableBits) & header.TokenMask;
        byte* tokens;
        bool read;
        if (table == 0)
        {
            tokens = packed + header.RawBytes;
            byte* literals = tokens + tokenCount;
            if (literals > end)
                return false;
            read = SequenceReader.TryRead<TPath>(tables, workspace.Match, text.Length, tokens, literals, literals, null, end);
        }
        else
        {
            int shift = FoldHeader.TableBits + header.TokenBits;
            int literals = (int)(low >> shift & ((1u << header.LiteralBits) - 1)) + 1;
            int regions = FoldHeader.Regions(literals);
            tokens = packed + header.CodedBytes(regions);
            byte* start = tokens + tokenCount;
            if (table > tables.Definition.LiteralLengths.Count || start > end || literals > text.Length)
                return false;
            shift += header.LiteralBits;
            ulong high = Unsafe.ReadUnaligned<ulong>(packed + (shift >> 3)) >> (shift & 7);
            byte* second = end;
            if (!TryReadLiterals<TPath>(tables, table - 1, workspace.Literals, literals, regions, start, ref second, high, header))
                return false;
            read = SequenceReader.TryRead<TPath>(
                tables, workspace.Match, text.Length, tokens, start, workspace.Literals, workspace.Literals + literals, second);
        }
        if (!read)
            return false;
        fixed (byte* to = text)
            Interop.Block.Copy(to, workspace.Match.Text, text.Length);
        return true;
    }

    /// <summary>Decodes the literals; false if they do not lie in their regions.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="table">The literal table.</param>
    /// <param name="literals">Receives the literals.</param>
    /// <param name="count">Their number.</param>
    /// <param name="regions">The number of regions.</param>
    /// <param name="start">Where the first region begins.</param>
    /// <param name="second">The end of the last region; receives the end of the first one.</param>
    /// <param name="lengths">The lengths of the other regions.</param>
    /// <param name="header">The widths of the header's fields.</param>
    private static bool TryReadLiterals<TPath>(FoldTables tables, int table, byte* literals, int count, int regions, byte* start,
        ref byte* second, ulong lengths, FoldHeader header)
        where TPath : struct, IInstructionPath
    {
        ushort* decode = tables.LiteralDecode + (table << LiteralCode.MaxBits);
        byte* end = second;
        if (regions == 1)
            return LiteralReader.Read1<TPath>(decode, literals, count, start, end);
        int first = (int)lengths & header.TokenMask;
        if (regions == 2)
        {
            second = end - first;
            return second >= start && LiteralReader.Read3<TPath>(decode, literals, count, start, second, end);
        }
        int next = (int)(lengths >> header.TokenBits) & header.TokenMask;
        int last = (int)(lengths >> 2 * header.TokenBits) & header.TokenMask;
        byte* fourth = end - last;
        byte* third = fourth - next;
        second = third - first;
        return second >= start && LiteralReader.Read7<TPath>(decode, literals, count, start, second, third, fourth, end);
    }
}
