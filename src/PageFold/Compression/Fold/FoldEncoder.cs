using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Encodes a text: candidates, matches, sequences, and their parts in one piece.</summary>
internal static unsafe class FoldEncoder
{
    // Literals are coded if that gains more than a 32nd of them.
    private const int LiteralGainShift = 5;

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
            byte* map = TLevel.CodesSymbols ? tables.CodedMap : tables.Map;
            SequenceWriter.Write<TPath>(tables, map, workspace, length, firstEnd, secondEnd, out parts);
        }
        // Without matches; or the tables have no good boxes for them, so that literals alone are shorter.
        if (parts.Tokens == 0 || parts.Tokens > header.MaxTokens || parts.Bytes > length)
        {
            Unsafe.CopyBlockUnaligned(workspace.Literals, workspace.Match.Text, (uint)length);
            parts = new FoldParts(0, length, 0);
        }
        header.Tokens.Count = parts.Tokens;
        header.Literals.Count = parts.Literals;
        int stride = workspace.StreamStride;
        if (TLevel.CodesSymbols)
        {
            SymbolWriter.TryWrite(tables.LiteralCodes, workspace.Literals, ref header.Literals, header.LiteralBits, LiteralGainShift,
                workspace.LiteralStreams, stride);
            SymbolWriter.TryWrite(tables.TokenCodes, workspace.Tokens, ref header.Tokens, header.TokenBits, TLevel.TokenGainShift,
                workspace.TokenStreams, stride);
        }
        int total = header.Bytes + header.Tokens.Bytes + header.Literals.Bytes + parts.ExtraBytes;
        if (total > destination.Length)
            return 0;
        fixed (byte* to = destination)
        {
            header.Write(to);
            byte* next = to + header.Bytes;
            if (header.Tokens.IsCoded)
            {
                next = SymbolWriter.Copy(next, header.Tokens, workspace.TokenStreams, stride, null, 0);
            }
            else
            {
                Unsafe.CopyBlockUnaligned(next, workspace.Tokens, (uint)parts.Tokens);
                next += parts.Tokens;
            }
            if (header.Literals.IsCoded)
            {
                SymbolWriter.Copy(next, header.Literals, workspace.LiteralStreams, stride, workspace.ExtraBits, parts.ExtraBytes);
            }
            else
            {
                Unsafe.CopyBlockUnaligned(next, workspace.Literals, (uint)parts.Literals);
                SymbolWriter.CopyReversed(next + parts.Literals, workspace.ExtraBits, parts.ExtraBytes);
            }
        }
        return total;
    }
}
