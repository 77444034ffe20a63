using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Writes the matches of a text as tokens, extra bits and literals, each to a place of its own.</summary>
internal static unsafe class SequenceWriter
{
    private const int Copied = 32;
    private const ulong FieldMask = ushort.MaxValue;

    /// <summary>Writes all sequences of a text.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="map">The one of the tables' maps that tells the tokens.</param>
    /// <param name="workspace">The text, and where its parts go.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="firstEnd">The end of the first half's matches.</param>
    /// <param name="secondEnd">The end of the second half's matches.</param>
    /// <param name="parts">Receives how long each part is.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write<TPath>(
        FoldTables tables, byte* map, FoldWorkspace workspace, nint length, ulong* firstEnd, ulong* secondEnd, out FoldParts parts)
        where TPath : struct, IInstructionPath
    {
        byte* text = workspace.Match.Text;
        byte* token = workspace.Tokens;
        byte* literals = workspace.Literals;
        byte* extra = workspace.ExtraBits;
        byte* entries = tables.Tokens;
        ulong* match = workspace.First;
        ulong* end = firstEnd;
        ulong* next = workspace.Second;
        ulong bits = 0;
        nint count = 0;
        nint anchor = 0;
        nint repeat = 1;
        while (true)
        {
            while (match < end)
            {
                ulong found = *match++;
                nint position = (nint)(found & FieldMask);
                nint matched = (nint)(found >> SequenceParser.LengthShift & FieldMask);
                nint distance = (nint)(found >> SequenceParser.DistanceShift);
                nint run = position - anchor;
                TPath.Copy32(literals, text + anchor);
                if (run > Copied)
                    CopyLong<TPath>(literals, text + anchor, run);
                literals += run;
                anchor = position + matched;
                nint more = matched - Box.MinMatch;
                // Cells as in Cells.OfLiterals and so on, without a branch: which one it is, is hard to predict.
                nint power = 63 - TPath.LeadingZeros((ulong)(distance - 1) * 2 | 1);
                nint cell = 2 * power + ((distance & Box.MultipleMask) - 1 >>> 63);
                cell ^= (cell ^ Cells.Repeat) & (distance ^ repeat) - 1 >> 63;
                repeat = distance;
                nint literalCell = Lesser(run, Cells.LiteralOffset + 63 - TPath.LeadingZeros((ulong)run | 1));
                nint matchCell = Lesser(more, Cells.MatchOffset + 63 - TPath.LeadingZeros((ulong)more | 1));
                byte chosen = map[cell * Cells.DistanceStride + literalCell * Cells.LiteralStride + matchCell];
                *token++ = chosen;
                byte* entry = entries + chosen * FoldTables.TokenStride;
                ulong mask = *(ulong*)entry;
                // Not less the box's bases: those have no bit of a field's range, except that of a match's length.
                ulong fields = (ulong)run | (ulong)more << FoldTables.MatchShift | (ulong)(distance - 1) << FoldTables.DistanceShift;
                bits |= TPath.Extract(fields, mask) << (int)count;
                count += TPath.CountBits(mask);
                Unsafe.WriteUnaligned(extra, bits);
                extra += count >> 3;
                bits >>= (int)(count & 56);
                count &= 7;
            }
            if (next is null || next == secondEnd)
                break;
            // The second half; what the first half's last match covers of it falls away.
            match = next;
            end = secondEnd;
            next = null;
            for (; match < end; match++)
            {
                nint over = anchor - (nint)(*match & FieldMask);
                if (over <= 0)
                    break;
                nint left = (nint)(*match >> SequenceParser.LengthShift & FieldMask) - over;
                if (left < SequenceParser.MinRepeat)
                    continue;
                *match = (ulong)anchor | (ulong)left << SequenceParser.LengthShift
                    | *match >> SequenceParser.DistanceShift << SequenceParser.DistanceShift;
                break;
            }
        }
        nint rest = length - anchor;
        Unsafe.CopyBlockUnaligned(literals, text + anchor, (uint)rest);
        literals += rest;
        int extraBytes = (int)(extra - workspace.ExtraBits) + (int)(count + 7 >> 3);
        parts = new FoldParts((int)(token - workspace.Tokens), (int)(literals - workspace.Literals), extraBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Lesser(nint a, nint b) => b + (a - b & a - b >> 63);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CopyLong<TPath>(byte* to, byte* from, nint length)
        where TPath : struct, IInstructionPath
    {
        for (nint i = Copied; i < length; i += Copied)
            TPath.Copy32(to + i, from + i);
    }
}

/// <summary>The lengths of a text's parts.</summary>
/// <param name="Tokens">Tokens, a byte each.</param>
/// <param name="Literals">Literals.</param>
/// <param name="ExtraBytes">Bytes of the extra bits.</param>
internal readonly record struct FoldParts(int Tokens, int Literals, int ExtraBytes)
{
    /// <summary>Bytes of all parts.</summary>
    public int Bytes => Tokens + Literals + ExtraBytes;
}
