using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Encodes a text: candidates, matches, sequences, and their parts in one piece.</summary>
internal static unsafe class FoldEncoder
{
    // Literals are coded if that gains more than a 32nd of them, and what the longer header costs.
    private const int GainShift = 5;
    private const int MinGain = 2;
    private const int MinCoded = 16;

    /// <summary>Encodes a text; returns the length of the result, or zero if it does not fit.</summary>
    public static int Encode<TPath, TShape, TLevel>(
        FoldTables tables, FoldWorkspace workspace, MatchDictionary? dictionary, ReadOnlySpan<byte> text, Span<byte> destination)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
        where TLevel : struct, IFoldLevel
    {
        int length = text.Length;
        workspace.Match.Load(text);
        FoldHeader header = new(length);
        FoldParts parts = default;
        if (MatchFinder.Find<TPath, TShape>(workspace.Match, length, dictionary))
        {
            SequenceParser.Parse<TPath, TLevel>(workspace.Match, length - 1, length, workspace.First, out ulong* firstEnd,
                workspace.Second, out ulong* secondEnd);
            SequenceWriter.Write<TPath>(tables, workspace, length, firstEnd, secondEnd, out parts);
        }
        // Without matches; or the tables have no good boxes for them, so that literals alone are shorter.
        if (parts.Tokens == 0 || parts.Tokens > header.TokenMask || parts.Bytes > length)
        {
            Unsafe.CopyBlockUnaligned(workspace.Literals, workspace.Match.Text, (uint)length);
            parts = new FoldParts(0, length, 0);
        }
        int raw = header.RawBytes + parts.Bytes;
        fixed (byte* to = destination)
        {
            if (TLevel.CodesLiterals && parts.Literals >= MinCoded)
            {
                int coded = EncodeLiterals(tables, workspace, header, parts, raw, to, destination.Length);
                if (coded > 0)
                    return coded;
            }
            if (raw > destination.Length)
                return 0;
            WriteBits(to, (ulong)parts.Tokens << FoldHeader.TableBits, header.RawBytes);
            byte* next = to + header.RawBytes;
            Unsafe.CopyBlockUnaligned(next, workspace.Tokens, (uint)parts.Tokens);
            next += parts.Tokens;
            Unsafe.CopyBlockUnaligned(next, workspace.Literals, (uint)parts.Literals);
            LiteralWriter.CopyReversed(next + parts.Literals, workspace.ExtraBits, parts.ExtraBytes);
            return raw;
        }
    }

    /// <summary>Writes the text with coded literals; zero if they had better be as they are, or do not fit.</summary>
    private static int EncodeLiterals(
        FoldTables tables, FoldWorkspace workspace, FoldHeader header, FoldParts parts, int raw, byte* to, int room)
    {
        int count = parts.Literals;
        int table = LiteralWriter.Choose(tables, workspace.Literals, count, out int bits);
        int wanted = (count >> GainShift) + MinGain;
        int regions = FoldHeader.Regions(count);
        int headerBytes = header.CodedBytes(regions);
        if (headerBytes - header.RawBytes + bits / 8 >= count - wanted)
            return 0;
        int streams = 2 * regions - 1;
        uint* codes = tables.LiteralEncode + table * LiteralCode.Symbols;
        int* lengths = stackalloc int[7];
        int total = headerBytes + parts.Tokens + parts.ExtraBytes;
        for (int stream = 0; stream < streams; stream++)
        {
            lengths[stream] = LiteralWriter.Write(
                codes, workspace.Literals, count, stream, streams, workspace.Streams + stream * workspace.StreamStride);
            total += lengths[stream];
        }
        if (total >= raw - wanted || total > room)
            return 0;
        int shift = FoldHeader.TableBits + header.TokenBits;
        ulong low = (uint)(table + 1) | (ulong)parts.Tokens << FoldHeader.TableBits | (ulong)(count - 1) << shift;
        shift += header.LiteralBits;
        WriteBits(to, low, headerBytes);
        ulong high = 0;
        byte* next = to + headerBytes;
        Unsafe.CopyBlockUnaligned(next, workspace.Tokens, (uint)parts.Tokens);
        next += parts.Tokens;
        for (int region = 0; region < regions; region++)
        {
            int upwards = region == 0 ? 0 : 2 * region - 1;
            Unsafe.CopyBlockUnaligned(next, workspace.Streams + upwards * workspace.StreamStride, (uint)lengths[upwards]);
            next += lengths[upwards];
            int downwards = region == 0 ? parts.ExtraBytes : lengths[2 * region];
            byte* from = region == 0 ? workspace.ExtraBits : workspace.Streams + 2 * region * workspace.StreamStride;
            LiteralWriter.CopyReversed(next, from, downwards);
            next += downwards;
            if (region == 0)
                continue;
            int bytes = lengths[upwards] + downwards;
            if (bytes > header.TokenMask)
                return 0;
            high |= (ulong)bytes << (region - 1) * header.TokenBits;
        }
        AddBits(to, high, shift, headerBytes);
        return total;
    }

    private static void WriteBits(byte* to, ulong bits, int bytes)
    {
        for (int i = 0; i < bytes; i++)
            to[i] = i < sizeof(ulong) ? (byte)(bits >> 8 * i) : (byte)0;
    }

    private static void AddBits(byte* to, ulong bits, int shift, int bytes)
    {
        for (int i = shift / 8; i < bytes; i++)
        {
            int from = 8 * i - shift;
            to[i] |= (byte)(from < 0 ? bits << -from : bits >> from);
        }
    }
}
