using System.Runtime.CompilerServices;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Lz4;

/// <summary>Encodes a text: candidates, matches, and a block of their sequences.</summary>
/// <remarks>
/// Literals are mostly copied 32 at a time, and what is copied too much is overwritten by what follows. The last sequences are copied to
/// the exact byte, so no byte behind the block is written.
/// </remarks>
internal static unsafe class Lz4Encoder
{
    // What one copy of literals covers.
    private const int Copied = 32;

    // A sequence with few literals and a short match writes less than this beyond them.
    private const int Room = 64;

    // So many sequences, and the last literals, are at least as long as what a copy of literals writes beyond them.
    private const int ExactMatches = 8;

    // From here on a match's length takes more than one byte besides its token.
    private const int MinLongMatch = Lz4Format.MinMatch + Lz4Format.LongHalf + Lz4Format.FullByte;

    private const ulong FieldMask = ushort.MaxValue;

    /// <summary>Encodes a text; returns the length of the block, or zero if it does not fit.</summary>
    public static int Encode<TPath, TShape>(
        Lz4Workspace workspace, MatchDictionary? dictionary, ReadOnlySpan<byte> text, Span<byte> destination)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        int length = text.Length;
        workspace.Match.Load(text);
        ulong* firstEnd = workspace.First;
        ulong* secondEnd = workspace.Second;
        if (length > Lz4Format.LastStart && MatchFinder.Find<TPath, TShape>(workspace.Match, length, dictionary))
        {
            SequenceParser.Parse<TPath, Lz4Rules>(workspace.Match, length - Lz4Format.LastStart, length - Lz4Format.LastLiterals,
                workspace.First, out firstEnd, workspace.Second, out secondEnd);
        }
        fixed (byte* to = destination)
            return Write<TPath>(workspace, length, firstEnd, secondEnd, to, to + destination.Length);
    }

    private static int Write<TPath>(
        Lz4Workspace workspace, nint length, ulong* firstEnd, ulong* secondEnd, byte* destination, byte* destinationEnd)
        where TPath : struct, IInstructionPath
    {
        byte* text = workspace.Match.Text;
        Output output = new() { To = destination, End = destinationEnd };
        ulong* first = workspace.First;
        ulong* second = workspace.Second;
        if (firstEnd > first)
            second = CutOff(second, secondEnd, (nint)(firstEnd[-1] & FieldMask) + LengthOf(firstEnd[-1]), length - Lz4Format.LastStart);
        nint exactOfFirst = Math.Max(0, ExactMatches - (nint)(secondEnd - second));
        if (!WriteMatches<TPath>(ref output, text, first, firstEnd, exactOfFirst)
            || !WriteMatches<TPath>(ref output, text, second, secondEnd, ExactMatches))
        {
            return 0;
        }
        byte* end = WriteLast(output.To, destinationEnd, text + output.Anchor, length - output.Anchor);
        return end is null ? 0 : (int)(end - destination);
    }

    /// <summary>Cuts off what an earlier match covers of matches; returns the first one of which something is left.</summary>
    /// <param name="match">The first match.</param>
    /// <param name="end">The end of the matches.</param>
    /// <param name="anchor">Where the earlier match ends.</param>
    /// <param name="last">The last position at which a match may begin.</param>
    private static ulong* CutOff(ulong* match, ulong* end, nint anchor, nint last)
    {
        for (; match < end; match++)
        {
            nint over = anchor - (nint)(*match & FieldMask);
            if (over <= 0)
                break;
            nint left = LengthOf(*match) - over;
            if (left < Lz4Format.MinMatch || anchor > last)
                continue;
            *match = (ulong)anchor | (ulong)left << SequenceParser.LengthShift
                | *match >> SequenceParser.DistanceShift << SequenceParser.DistanceShift;
            break;
        }
        return match;
    }

    /// <summary>Writes the sequences of matches, the last few to the exact byte; false if they do not fit.</summary>
    private static bool WriteMatches<TPath>(ref Output output, byte* text, ulong* match, ulong* end, nint exact)
        where TPath : struct, IInstructionPath
    {
        ulong* firstExact = end - Math.Min(exact, (nint)(end - match));
        while (true)
        {
            match = WriteShort<TPath>(ref output, text, match, firstExact);
            if (match >= end)
                return true;
            nint position = (nint)(*match & FieldMask);
            nint matched = LengthOf(*match);
            output.To = WriteLong<TPath>(output.To, output.End, text + output.Anchor, position - output.Anchor,
                matched - Lz4Format.MinMatch, (nint)(*match >> SequenceParser.DistanceShift), match >= firstExact);
            if (output.To is null)
                return false;
            output.Anchor = position + matched;
            match++;
        }
    }

    /// <summary>
    /// Writes sequences with few literals and short matches, up to the first other one or to where there is little room; returns that one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong* WriteShort<TPath>(ref Output output, byte* text, ulong* match, ulong* end)
        where TPath : struct, IInstructionPath
    {
        byte* to = output.To;
        byte* roomEnd = output.End;
        nint anchor = output.Anchor;
        for (; match < end && (nint)(roomEnd - to) >= Room; match++)
        {
            ulong found = *match;
            nint position = (nint)(found & FieldMask);
            nint matched = LengthOf(found);
            nint run = position - anchor;
            if (run > Copied || matched >= MinLongMatch)
                break;
            // What exceeds a half of the token is always written, and counts if it is not negative.
            nint moreLiterals = run - Lz4Format.LongHalf;
            nint moreMatched = matched - Lz4Format.MinMatch - Lz4Format.LongHalf;
            nint isShortRun = moreLiterals >> 63;
            nint isShortMatch = moreMatched >> 63;
            *to = (byte)(Lz4Format.FullByte + ((moreLiterals & isShortRun) << Lz4Format.HalfBits) + (moreMatched & isShortMatch));
            to[1] = (byte)moreLiterals;
            to += 2 + isShortRun;
            TPath.Copy32(to, text + anchor);
            to += run;
            Unsafe.WriteUnaligned(to, (ushort)(found >> SequenceParser.DistanceShift));
            to[Lz4Format.DistanceBytes] = (byte)moreMatched;
            to += Lz4Format.DistanceBytes + 1 + isShortMatch;
            anchor = position + matched;
        }
        output.To = to;
        output.Anchor = anchor;
        return match;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint LengthOf(ulong match) => (nint)(match >> SequenceParser.LengthShift & FieldMask);

    /// <summary>Writes any sequence but the last one; returns its end, or null if it does not fit.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteLong<TPath>(byte* to, byte* end, byte* literals, nint run, nint more, nint distance, bool isExact)
        where TPath : struct, IInstructionPath
    {
        nint room = (nint)(end - to) - 1 - Lz4Format.AddedBytes(run) - run - Lz4Format.DistanceBytes - Lz4Format.AddedBytes(more);
        if (room < 0)
            return null;
        *to++ = (byte)(Math.Min(run, Lz4Format.LongHalf) << Lz4Format.HalfBits | Math.Min(more, Lz4Format.LongHalf));
        to = WriteAdded(to, run);
        if (!isExact && room >= Copied)
        {
            for (nint i = 0; i < run; i += Copied)
                TPath.Copy32(to + i, literals + i);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(to, literals, (uint)run);
        }
        to += run;
        to[0] = (byte)distance;
        to[1] = (byte)(distance >> 8);
        return WriteAdded(to + Lz4Format.DistanceBytes, more);
    }

    /// <summary>Writes the last sequence; returns its end, or null if it does not fit.</summary>
    private static byte* WriteLast(byte* to, byte* end, byte* literals, nint run)
    {
        if ((nint)(end - to) < 1 + Lz4Format.AddedBytes(run) + run)
            return null;
        *to++ = (byte)(Math.Min(run, Lz4Format.LongHalf) << Lz4Format.HalfBits);
        to = WriteAdded(to, run);
        Interop.Block.Copy(to, literals, (int)run);
        return to + run;
    }

    private static byte* WriteAdded(byte* to, nint value)
    {
        value -= Lz4Format.LongHalf;
        if (value < 0)
            return to;
        for (; value >= Lz4Format.FullByte; value -= Lz4Format.FullByte)
            *to++ = Lz4Format.FullByte;
        *to++ = (byte)value;
        return to;
    }

    /// <summary>How far a block is written.</summary>
    private ref struct Output
    {
        /// <summary>Where the next sequence goes.</summary>
        public byte* To;

        /// <summary>The end of the room for the block.</summary>
        public byte* End;

        /// <summary>The position in the text from which on nothing is written yet.</summary>
        public nint Anchor;
    }
}
