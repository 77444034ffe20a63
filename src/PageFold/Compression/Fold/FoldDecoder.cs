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
        if (count == 0 || count > text.Length + FoldHeader.MaxBytes || text.Length > workspace.Match.MaxLength)
            return false;
        byte* packed = workspace.Packed;
        fixed (byte* from = source)
            Interop.Block.Copy(packed, from, count);
        byte* end = packed + count;
        // What is read beyond the ends belongs to nothing that is whole, but must be the same each time.
        Unsafe.WriteUnaligned(packed - sizeof(ulong), 0UL);
        Unsafe.InitBlockUnaligned(end, 0, FoldHeader.MaxBytes + sizeof(ulong));
        FoldHeader header = new(text.Length);
        header.Read(packed);
        byte* next = packed + header.Bytes;
        byte* tokens = next;
        if (header.Tokens.IsCoded)
        {
            tokens = workspace.DecodedTokens;
            byte* second = next + header.Tokens.Regions[0];
            next = second + header.Tokens.Regions[1] + header.Tokens.Regions[2] + header.Tokens.Regions[3];
            if (next > end || !SymbolReader.TryRead<TPath>(tables.TokenCodes, header.Tokens, tokens, packed + header.Bytes, second))
                return false;
        }
        else
        {
            next += header.Tokens.Count;
        }
        if (next > end)
            return false;
        byte* literals = next;
        byte* literalsEnd = null;
        byte* bitsEnd = end;
        if (header.Literals.IsCoded)
        {
            literals = workspace.Literals;
            literalsEnd = literals + header.Literals.Count;
            bitsEnd -= header.Literals.Regions[1] + header.Literals.Regions[2] + header.Literals.Regions[3];
            if (header.Literals.Count > text.Length || bitsEnd < next
                || !SymbolReader.TryRead<TPath>(tables.LiteralCodes, header.Literals, literals, next, bitsEnd))
                return false;
        }
        bool read = SequenceReader.TryRead<TPath>(
            tables, workspace.Match, text.Length, tokens, header.Tokens.Count, literals, literalsEnd, next, bitsEnd);
        if (!read)
            return false;
        fixed (byte* to = text)
            Interop.Block.Copy(to, workspace.Match.Text, text.Length);
        return true;
    }
}
