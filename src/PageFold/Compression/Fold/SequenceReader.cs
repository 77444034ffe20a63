using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>Carries sequences out: copies literals and matches to a text.</summary>
/// <remarks>
/// <para>
/// The text is one of the decoder's own, with room behind its end, so nothing is copied to the exact byte: 32 literals and 32 bytes of a
/// match, always, and more in a loop where a token says so. The tables' bases and masks turn a token's extra bits into three numbers by
/// one PDEP and one addition.
/// </para>
/// <para>
/// For each sequence three differences are checked, by the sign of their union: the match ends in the text, it begins in the text or the
/// dictionary, and its extra bits are there. So no damaged stream reads or writes elsewhere: the literals read are never more than the
/// text's length, and behind the literals there is room for so many.
/// </para>
/// </remarks>
internal static unsafe class SequenceReader
{
    private const int Short = 32;
    private const int Period = 16;

    /// <summary>Carries all sequences out; false if they do not make exactly the text.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="workspace">Receives the text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="count">The number of tokens.</param>
    /// <param name="literals">The literals.</param>
    /// <param name="literalsEnd">The end of them; null if they end where the extra bits end.</param>
    /// <param name="bitsStart">Before this no extra bits are.</param>
    /// <param name="bitsEnd">Where the extra bits begin: they go from here to lower addresses.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryRead<TPath>(
        FoldTables tables, MatchWorkspace workspace, nint length, byte* tokens, int count,
        byte* literals, byte* literalsEnd, byte* bitsStart, byte* bitsEnd)
        where TPath : struct, IInstructionPath
    {
        byte* to = workspace.Text;
        byte* start = to - workspace.DictionaryLength;
        byte* end = to + length;
        byte* entries = tables.Tokens;
        byte* periods = tables.Periods;
        nint bits = 0;
        byte* tokensEnd = tokens + count;
        nint maxBits = (nint)(bitsEnd - bitsStart) * 8;
        bitsEnd -= sizeof(ulong);
        // The last distance less one.
        nint last = 0;
        while (tokens != tokensEnd)
        {
            byte* entry = entries + *tokens++ * FoldTables.TokenStride;
            ulong mask = *(ulong*)entry;
            ulong word = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(bitsEnd - (bits >> 3))) >> (int)(bits & 7);
            bits += TPath.CountBits(mask);
            ulong fields = TPath.Deposit(word, mask) + *(ulong*)(entry + sizeof(ulong));
            nint run = (ushort)fields;
            nint matched = (ushort)(fields >> FoldTables.MatchShift);
            last = (nint)(fields >> FoldTables.DistanceShift) + (last & ((sbyte*)entry)[FoldTables.RepeatOffset]);
            TPath.Copy32(to, literals);
            byte* match = to + run;
            byte* from = match - last - 1;
            byte* next = match + matched;
            if (((nint)(end - next) | (nint)(from - start) | maxBits - bits) < 0)
                return false;
            if (run > Short)
                CopyLong<TPath>(to, literals, match);
            literals += run;
            to = next;
            if (matched > Short)
            {
                if (last >= Short - 1)
                    CopyLong<TPath>(match, from, next);
                else
                    CopyNear<TPath>(match, from, next, last + 1, periods);
                continue;
            }
            if (last >= Period - 1)
            {
                TPath.Copy16(match, from);
                TPath.Copy16(match + 16, from + 16);
            }
            else
            {
                TPath.Repeat32(match, from, periods + (last + 1) * FoldTables.PeriodStride);
            }
        }
        nint rest = (nint)(end - to);
        literalsEnd = literalsEnd is null ? bitsEnd + sizeof(ulong) - (bits + 7 >> 3) : literalsEnd;
        if (literals + rest != literalsEnd)
            return false;
        for (; rest > 0; rest -= Short, to += Short, literals += Short)
            TPath.Copy32(to, literals);
        return true;
    }

    /// <summary>Copies more than 32 bytes from at least as far away, and up to 127 bytes beyond the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLong<TPath>(byte* to, byte* from, byte* end)
        where TPath : struct, IInstructionPath
    {
        // Mostly not much more, so four times without looking.
        TPath.Copy32(to, from);
        TPath.Copy32(to + 32, from + 32);
        TPath.Copy32(to + 64, from + 64);
        TPath.Copy32(to + 96, from + 96);
        for (to += 128, from += 128; to < end; to += 32, from += 32)
            TPath.Copy32(to, from);
    }

    /// <summary>Copies a long match whose distance is less than 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyNear<TPath>(byte* to, byte* from, byte* end, nint distance, byte* periods)
        where TPath : struct, IInstructionPath
    {
        if (distance < Period)
        {
            TPath.Repeat(to, from, periods + distance * FoldTables.PeriodStride, periods[distance], end);
            return;
        }
        do
        {
            TPath.Copy16(to, from);
            TPath.Copy16(to + 16, from + 16);
            to += 32;
            from += 32;
        }
        while (to < end);
    }
}
