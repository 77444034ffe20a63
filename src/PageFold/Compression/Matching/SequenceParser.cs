using System.Runtime.CompilerServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Matching;

/// <summary>How a parser chooses among matches.</summary>
internal interface IParseRules
{
    /// <summary>Looks for matches at the last distance too, from three bytes on.</summary>
    public static abstract bool Repeats { get; }

    /// <summary>The shortest other match.</summary>
    public static abstract int MinMatch { get; }

    /// <summary>The candidates that are compared at one position, at least one. The next one is the candidate of the candidate.</summary>
    /// <remarks>For more than one, a workspace with a dictionary must have the candidates of the dictionary's positions.</remarks>
    public static abstract int Candidates { get; }

    /// <summary>Also compares the match at the next position.</summary>
    public static abstract bool Lazy { get; }
}

/// <summary>
/// Chooses matches from the front of a text to its end, greedily: at each position the longer of what the <see cref="MatchFinder"/>
/// suggests and what the last distance offers, whichever comes first.
/// </summary>
/// <remarks>
/// <para>
/// Each step depends on where the last match ended: load, compare, count, and again. The processor waits most of that time. So a long text
/// is parsed by two cursors, one in each half, whose chains of dependent steps run side by side. What the first half's last match covers of
/// the second half is cut off when the sequences are written.
/// </para>
/// <para>A match is one number: position, length and distance, 16 bits each from the lowest.</para>
/// </remarks>
internal static unsafe class SequenceParser
{
    public const int LengthShift = 16;
    public const int DistanceShift = 32;

    /// <summary>The longest match; what follows of a longer one is another match.</summary>
    public const int MaxMatch = 1 << 15;

    /// <summary>The shortest match at the last distance.</summary>
    public const int MinRepeat = 3;

    // What one comparison covers, and what one reading of the mask covers whatever its place in a byte.
    private const int Compared = 32;
    private const int Covered = 57;

    // Shorter texts are parsed by one cursor.
    private const int MinSplit = 1024;

    /// <summary>Room for the matches of one half of a text, or of a whole one that is not split.</summary>
    public static int MaxMatches(int length) => Math.Max(length / 2, Math.Min(length, MinSplit)) / MinRepeat + 2;

    /// <summary>Parses a text.</summary>
    /// <param name="workspace">The text with its candidates.</param>
    /// <param name="lastStart">The last position at which a match may begin.</param>
    /// <param name="limit">Where a match must end.</param>
    /// <param name="first">Receives the matches of the first half.</param>
    /// <param name="firstEnd">Receives the end of them.</param>
    /// <param name="second">Receives the matches of the second half.</param>
    /// <param name="secondEnd">Receives the end of them.</param>
    public static void Parse<TPath, TRules>(
        MatchWorkspace workspace, nint lastStart, nint limit, ulong* first, out ulong* firstEnd, ulong* second, out ulong* secondEnd)
        where TPath : struct, IInstructionPath
        where TRules : struct, IParseRules
    {
        // The first position has nothing before it but the dictionary.
        nint start = workspace.DictionaryLength > 0 ? 0 : 1;
        nint half = limit >= MinSplit ? limit / 2 : start;
        Cursor a = new() { Position = start, Last = half - 1, Repeat = 1, Matches = first };
        Cursor b = new() { Position = half, Last = lastStart, Repeat = 1, Matches = second };
        if (!a.HasEnded && !b.HasEnded)
            ParseBoth<TPath, TRules>(workspace, limit, ref a, ref b);
        if (!a.HasEnded)
            ParseOne<TPath, TRules>(workspace, limit, ref a);
        if (!b.HasEnded)
            ParseOne<TPath, TRules>(workspace, limit, ref b);
        firstEnd = a.Matches;
        secondEnd = b.Matches;
    }

    /// <summary>Takes steps of both cursors in turns, until one of them has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ParseBoth<TPath, TRules>(MatchWorkspace workspace, nint limit, ref Cursor a, ref Cursor b)
        where TPath : struct, IInstructionPath
        where TRules : struct, IParseRules
    {
        byte* text = workspace.Text;
        byte* mask = workspace.Mask;
        ushort* candidates = workspace.Candidates;
        // In local variables, which the compiler keeps in registers.
        Cursor left = a;
        Cursor right = b;
        while (Advance<TPath, TRules>(text, mask, candidates, left.Last, limit, ref left.Position, ref left.Repeat, ref left.Matches)
            && Advance<TPath, TRules>(text, mask, candidates, right.Last, limit, ref right.Position, ref right.Repeat, ref right.Matches))
        {
        }
        a = left;
        b = right;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ParseOne<TPath, TRules>(MatchWorkspace workspace, nint limit, ref Cursor cursor)
        where TPath : struct, IInstructionPath
        where TRules : struct, IParseRules
    {
        byte* text = workspace.Text;
        byte* mask = workspace.Mask;
        ushort* candidates = workspace.Candidates;
        Cursor only = cursor;
        while (Advance<TPath, TRules>(text, mask, candidates, only.Last, limit, ref only.Position, ref only.Repeat, ref only.Matches))
        {
        }
        cursor = only;
    }

    /// <summary>Goes on to the next match; false if the cursor has passed the last position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Advance<TPath, TRules>(
        byte* text, byte* mask, ushort* candidates, nint last, nint limit, ref nint position, ref nint repeat, ref ulong* matches)
        where TPath : struct, IInstructionPath
        where TRules : struct, IParseRules
    {
        nint at = position;
        ulong known = Unsafe.ReadUnaligned<ulong>(mask + (at >> 3)) >> (int)(at & 7);
        nint ahead = TPath.TrailingZeros(known);
        byte* here = text + at;
        byte* there = here + ahead;
        nint distance = candidates[at + ahead];
        nint length = TPath.TrailingZeros(~(ulong)TPath.EqualBytes(there, there - distance));
        nint older = distance;
        if (TRules.Candidates > 1)
            TakeOlder<TPath>(there, candidates, at + ahead, ref older, ref distance, ref length);
        if (TRules.Candidates > 2)
            TakeOlder<TPath>(there, candidates, at + ahead, ref older, ref distance, ref length);
        for (int i = 3; i < TRules.Candidates; i++)
            TakeOlder<TPath>(there, candidates, at + ahead, ref older, ref distance, ref length);
        // Without a branch: whether a match at the last distance comes first.
        nint takesRepeat = 0;
        nint aheadOfRepeat = 0;
        nint lengthOfRepeat = 0;
        if (TRules.Repeats)
        {
            ulong equal = TPath.EqualBytes(here, here - repeat);
            ulong runs = equal & equal >> 1 & equal >> 2;
            if ((known | runs) == 0)
            {
                position = at + Covered;
                return position <= last;
            }
            aheadOfRepeat = TPath.TrailingZeros(runs);
            lengthOfRepeat = TPath.TrailingZeros(~(equal >> (int)aheadOfRepeat));
            takesRepeat = (aheadOfRepeat - ahead - 1) >> 63;
        }
        else if (known == 0)
        {
            position = at + Covered;
            return position <= last;
        }
        if (TRules.Lazy)
        {
            // The match at the next position, if it is longer by more than the literal costs.
            byte* next = there + 1;
            nint nextDistance = candidates[at + ahead + 1];
            nint nextLength = TPath.TrailingZeros(~(ulong)TPath.EqualBytes(next, next - nextDistance));
            nint nextOlder = nextDistance;
            if (TRules.Candidates > 2)
                TakeOlder<TPath>(next, candidates, at + ahead + 1, ref nextOlder, ref nextDistance, ref nextLength);
            for (int i = 3; i < TRules.Candidates; i++)
                TakeOlder<TPath>(next, candidates, at + ahead + 1, ref nextOlder, ref nextDistance, ref nextLength);
            nint later = (length - nextLength) >> 63 & -(nint)(known >> (int)ahead >> 1 & 1);
            ahead -= later;
            distance ^= (distance ^ nextDistance) & later;
            length ^= (length ^ nextLength) & later;
        }
        ahead ^= (ahead ^ aheadOfRepeat) & takesRepeat;
        distance ^= (distance ^ repeat) & takesRepeat;
        length ^= (length ^ lengthOfRepeat) & takesRepeat;
        at += ahead;
        if (at > last)
        {
            position = at;
            return false;
        }
        // A run at the last distance was compared from the cursor on, so it is cut off earlier than at 32.
        if (length + (ahead & takesRepeat) >= Compared || at + length > limit)
            length = Extend<TPath>(text + at, text + at - distance, Math.Min(limit - at, MaxMatch));
        // A wrong tag, or bytes behind the end.
        nint least = TRules.Repeats ? MinRepeat : TRules.MinMatch;
        if (length < least)
        {
            position = at + 1;
            return position <= last;
        }
        *matches++ = (ulong)at | (ulong)length << LengthShift | (ulong)distance << DistanceShift;
        repeat = distance;
        position = at + length;
        return position <= last;
    }

    /// <summary>Goes on to a candidate's own candidate, and takes it instead if the match there is longer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TakeOlder<TPath>(byte* there, ushort* candidates, nint at, ref nint older, ref nint distance, ref nint length)
        where TPath : struct, IInstructionPath
    {
        // A candidate in the dictionary has one too. No distance leads beyond the dictionary's first byte, also none of an earlier text.
        nint next = older + candidates[at - older];
        // Too far away: the same one again.
        older ^= (older ^ next) & (next - MatchDictionary.MaxDistance - 1) >> 63;
        nint olderLength = TPath.TrailingZeros(~(ulong)TPath.EqualBytes(there, there - older));
        nint better = (length - olderLength) >> 63;
        distance ^= (distance ^ older) & better;
        length ^= (length ^ olderLength) & better;
    }

    /// <summary>Counts the bytes that are the same, up to a limit.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Extend<TPath>(byte* a, byte* b, nint limit)
        where TPath : struct, IInstructionPath
    {
        nint length = 0;
        while (length < limit)
        {
            nint equal = TPath.TrailingZeros(~(ulong)TPath.EqualBytes(a + length, b + length));
            length += equal;
            if (equal < Compared)
                break;
        }
        return Math.Min(length, limit);
    }

    /// <summary>How far one half of a text is parsed.</summary>
    private struct Cursor
    {
        /// <summary>The position up to which everything is decided.</summary>
        public nint Position;

        /// <summary>The last position at which a match may begin.</summary>
        public nint Last;

        /// <summary>The last distance.</summary>
        public nint Repeat;

        /// <summary>Where the next match is written.</summary>
        public ulong* Matches;

        /// <summary>True if no more matches begin in this half.</summary>
        public readonly bool HasEnded => Position > Last;
    }
}
