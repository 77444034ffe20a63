using System.Runtime.CompilerServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Lz4;

/// <summary>Decodes LZ4 blocks, whichever library made them; refuses everything else.</summary>
/// <remarks>
/// <para>
/// Far from the ends of the block and of the room for the text, nothing is copied to the exact byte: what is copied too much lies in the
/// text's room, and the next sequence overwrites it. Most lengths are those of the token alone; a branch tells, and is mostly predicted, so
/// that the next sequence begins before this one's length is known.
/// </para>
/// <para>
/// Matches are copied in words of eight bytes. A match often copies what was written just before, and the processor passes a word on from
/// a write that it has not finished only if one write covers all of it. Wider words are covered less often.
/// </para>
/// <para>
/// Near an end, and where a length takes more than one byte besides the token, one sequence at a time is decoded with every number checked
/// before it is used. The fast loop needs fewer checks, because it ends where the longest sequence that it decodes might not fit.
/// </para>
/// </remarks>
internal static unsafe class Lz4Decoder
{
    // What a loop copies at a time.
    private const int Copied = 32;

    // What the fast loop reads of a sequence without bytes to add: the token, 16 bytes with up to 14 literals, the distance, one more.
    private const int SourceMargin = 20;

    // What it writes of one: up to 14 literals and 32 bytes.
    private const int TextMargin = 48;

    // What it reads behind a distance, and writes behind a run of literals or a match, if there are bytes to add.
    private const int LongSourceMargin = 40;
    private const int LongTextMargin = 64;

    /// <summary>Decodes a text; false if the block is not one of a text of this length.</summary>
    /// <param name="block">The block.</param>
    /// <param name="text">Receives the text.</param>
    /// <param name="periods">See <see cref="Lz4Periods"/>.</param>
    public static bool TryDecode<TPath>(ReadOnlySpan<byte> block, Span<byte> text, byte* periods)
        where TPath : struct, IInstructionPath
    {
        fixed (byte* from = block, to = text)
            return TryDecode<TPath>(from, from + block.Length, to, to, to + text.Length, to + text.Length, periods);
    }

    /// <summary>Decodes a text that a dictionary precedes; false if the block is not one of a text of this length.</summary>
    /// <param name="block">The block.</param>
    /// <param name="text">Receives the text.</param>
    /// <param name="workspace">Has the dictionary.</param>
    public static bool TryDecode<TPath>(ReadOnlySpan<byte> block, Span<byte> text, Lz4Workspace workspace)
        where TPath : struct, IInstructionPath
    {
        byte* own = workspace.Match.Text;
        byte* end = own + text.Length;
        fixed (byte* from = block, to = text)
        {
            bool read = TryDecode<TPath>(from, from + block.Length, own - workspace.Match.DictionaryLength, own, end,
                end + Matching.MatchWorkspace.Slack, workspace.Periods);
            if (read)
                Interop.Block.Copy(to, own, text.Length);
            return read;
        }
    }

    /// <summary>Decodes a block.</summary>
    /// <param name="from">The block.</param>
    /// <param name="fromEnd">The end of it.</param>
    /// <param name="start">What matches may refer to begins here.</param>
    /// <param name="to">Receives the text.</param>
    /// <param name="toEnd">The end of it.</param>
    /// <param name="roomEnd">Up to here bytes may be written, whatever is in them then.</param>
    /// <param name="periods">See <see cref="Lz4Periods"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool TryDecode<TPath>(
        byte* from, byte* fromEnd, byte* start, byte* to, byte* toEnd, byte* roomEnd, byte* periods)
        where TPath : struct, IInstructionPath
    {
        while (true)
        {
            while ((nint)(fromEnd - from) >= SourceMargin && (nint)(roomEnd - to) >= TextMargin)
            {
                nint token = *from;
                nint run = token >> Lz4Format.HalfBits;
                // The end of a sequence without bytes to add, as soon as the number of literals is known.
                byte* next = from + 1 + Lz4Format.DistanceBytes;
                byte* match;
                if (token < Lz4Format.LongHalf << Lz4Format.HalfBits)
                {
                    match = to + run;
                    TPath.Copy16(to, from + 1);
                }
                else
                {
                    nint added = from[1];
                    run += added;
                    match = to + run;
                    next++;
                    if (added == Lz4Format.FullByte || (nint)(fromEnd - next) - run < LongSourceMargin
                        || (nint)(roomEnd - match) < LongTextMargin)
                    {
                        break;
                    }
                    CopyLong<TPath>(to, from + 2, match);
                }
                next += run;
                nint distance = Unsafe.ReadUnaligned<ushort>(next - Lz4Format.DistanceBytes);
                byte* source = match - distance;
                if (source < start)
                    return false;
                nint matched = token & Lz4Format.LongHalf;
                if (matched != Lz4Format.LongHalf)
                {
                    from = next;
                    to = match + matched + Lz4Format.MinMatch;
                    if (distance >= sizeof(ulong))
                    {
                        Copy8(match, source);
                        Copy8(match + 8, source + 8);
                        Unsafe.WriteUnaligned(match + 16, Unsafe.ReadUnaligned<ushort>(source + 16));
                        continue;
                    }
                    if (distance == 0)
                        return false;
                    TPath.Repeat32(match, source, periods + distance * Lz4Periods.Stride);
                    continue;
                }
                matched = *next++;
                byte* end = match + matched + (Lz4Format.LongHalf + Lz4Format.MinMatch);
                if (matched == Lz4Format.FullByte || (nint)(roomEnd - end) < LongTextMargin)
                    break;
                if (distance >= sizeof(ulong))
                {
                    CopyWords(match, source, end);
                }
                else
                {
                    if (distance == 0)
                        return false;
                    TPath.Repeat(match, source, periods + distance * Lz4Periods.Stride, periods[distance], end);
                }
                from = next;
                to = end;
            }
            // A variable whose address is taken is in no register, so the loop has one of its own.
            byte* position = from;
            to = DecodeOne<TPath>(&position, fromEnd, start, to, toEnd, roomEnd);
            if (to is null)
                return false;
            from = position;
            if (from == fromEnd)
                return to == toEnd;
        }
    }

    /// <summary>Decodes one sequence of any length.</summary>
    /// <param name="position">The sequence; receives its end.</param>
    /// <param name="fromEnd">The end of the block.</param>
    /// <param name="start">What matches may refer to begins here.</param>
    /// <param name="to">Receives the sequence's part of the text.</param>
    /// <param name="toEnd">The end of the text.</param>
    /// <param name="roomEnd">Up to here bytes may be written.</param>
    /// <returns>The end of the sequence's part of the text; null for an invalid sequence.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* DecodeOne<TPath>(byte** position, byte* fromEnd, byte* start, byte* to, byte* toEnd, byte* roomEnd)
        where TPath : struct, IInstructionPath
    {
        byte* from = *position;
        nint room = (nint)(toEnd - to);
        if (from >= fromEnd || room < 0)
            return null;
        nint token = *from++;
        nint run = token >> Lz4Format.HalfBits;
        if (run == Lz4Format.LongHalf && !TryAdd(&from, fromEnd, ref run, room))
            return null;
        if (run > room || run > (nint)(fromEnd - from))
            return null;
        Interop.Block.Copy(to, from, (int)run);
        from += run;
        to += run;
        room -= run;
        *position = from;
        if (from == fromEnd)
            return to;
        if ((nint)(fromEnd - from) < Lz4Format.DistanceBytes)
            return null;
        nint distance = from[0] | from[1] << 8;
        from += Lz4Format.DistanceBytes;
        nint matched = token & Lz4Format.LongHalf;
        if (matched == Lz4Format.LongHalf && !TryAdd(&from, fromEnd, ref matched, room))
            return null;
        matched += Lz4Format.MinMatch;
        if (matched > room || distance == 0 || distance > (nint)(to - start))
            return null;
        *position = from;
        CopyMatch<TPath>(to, distance, matched, (nint)(roomEnd - to) - matched);
        return to + matched;
    }

    /// <summary>Adds the bytes that follow to a length; false if there are too few, or the sum is greater than a limit.</summary>
    private static bool TryAdd(byte** position, byte* end, ref nint length, nint limit)
    {
        byte* from = *position;
        int added;
        do
        {
            if (from >= end || length > limit)
                return false;
            added = *from++;
            length += added;
        }
        while (added == Lz4Format.FullByte);
        *position = from;
        return true;
    }

    /// <summary>Copies a match to the exact byte, or a little more where there is room.</summary>
    private static void CopyMatch<TPath>(byte* to, nint distance, nint length, nint roomBehind)
        where TPath : struct, IInstructionPath
    {
        byte* end = to + length;
        if (roomBehind >= 16 && distance >= 16)
        {
            for (; to < end; to += 16)
                TPath.Copy16(to, to - distance);
            return;
        }
        if (distance >= sizeof(ulong))
        {
            for (; (nint)(end - to) >= sizeof(ulong); to += sizeof(ulong))
                Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<ulong>(to - distance));
        }
        for (; to < end; to++)
            *to = *(to - distance);
    }

    /// <summary>Copies literals, and up to 31 bytes more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLong<TPath>(byte* to, byte* from, byte* end)
        where TPath : struct, IInstructionPath
    {
        do
        {
            TPath.Copy32(to, from);
            to += Copied;
            from += Copied;
        }
        while (to < end);
    }

    /// <summary>Copies a match from eight bytes away or more, and up to 31 bytes more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyWords(byte* to, byte* from, byte* end)
    {
        do
        {
            Copy8(to, from);
            Copy8(to + 8, from + 8);
            Copy8(to + 16, from + 16);
            Copy8(to + 24, from + 24);
            to += Copied;
            from += Copied;
        }
        while (to < end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy8(byte* to, byte* from) => Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<ulong>(from));
}
