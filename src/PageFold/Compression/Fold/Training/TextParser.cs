using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold.Training;

/// <summary>Finds the sequences and literals of texts as an encoder of the dense level does. Not thread-safe.</summary>
internal abstract unsafe class TextParser : IDisposable
{
    private readonly MatchDictionary? _dictionary;
    private readonly FoldWorkspace _workspace;
    private readonly byte[] _literals;
    private readonly TextMatch[] _matches;

    private TextParser(int maxLength, ReadOnlySpan<byte> content, int tableBytes, MatchDictionary? dictionary)
    {
        _dictionary = dictionary;
        _workspace = new FoldWorkspace(maxLength, tableBytes, content, dictionary is null ? default : dictionary.Candidates);
        _matches = new TextMatch[2 * SequenceParser.MaxMatches(maxLength)];
        _literals = new byte[maxLength];
    }

    /// <summary>Creates a parser.</summary>
    /// <param name="maxLength">The most bytes of a text.</param>
    /// <param name="dictionary">What precedes each text; empty for nothing.</param>
    public static TextParser Create(int maxLength, ReadOnlySpan<byte> dictionary) => InstructionPaths.Best switch
    {
        InstructionPath.Avx2 => Create<Avx2Path>(maxLength, dictionary),
        InstructionPath.Avx2WithoutDeposit => Create<Avx2WithoutDepositPath>(maxLength, dictionary),
        InstructionPath.Vector128 => Create<Vector128Path>(maxLength, dictionary),
        _ => Create<ScalarPath>(maxLength, dictionary),
    };

    /// <summary>Parses a text of at least one byte and at most the parser's length.</summary>
    public ParsedText Parse(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<TextMatch> matches = FindMatches(text);
        ushort[] sequences = new ushort[matches.Length];
        int literals = 0;
        int anchor = 0;
        int last = 1;
        for (int i = 0; i < matches.Length; i++)
        {
            TextMatch match = matches[i];
            AddLiterals(text[anchor..match.Position], ref literals);
            int distance = match.Distance == last ? Cells.Repeat : Cells.OfDistance(match.Distance);
            sequences[i] = (ushort)Cells.Place(distance, Cells.OfLiterals(match.Position - anchor), Cells.OfMatch(match.Length));
            last = match.Distance;
            anchor = match.Position + match.Length;
        }
        AddLiterals(text[anchor..], ref literals);
        return new ParsedText(text.Length, sequences, SymbolCounts.OfSegments(_literals.AsSpan(0, literals)));
    }

    /// <summary>Finds the matches of a text; they are valid until the next call.</summary>
    public ReadOnlySpan<TextMatch> FindMatches(ReadOnlySpan<byte> text)
    {
        _workspace.Match.Load(text);
        int count = 0;
        if (TryMatch(_workspace, _dictionary, text.Length, out ulong* firstEnd, out ulong* secondEnd))
        {
            for (ulong* match = _workspace.First; match < firstEnd; match++)
                _matches[count++] = TextMatch.Of(*match);
            int end = count == 0 ? 0 : _matches[count - 1].Position + _matches[count - 1].Length;
            bool isCut = false;
            for (ulong* match = _workspace.Second; match < secondEnd; match++)
            {
                // What the first half's last match covers of the second half falls away.
                TextMatch found = TextMatch.Of(*match);
                int over = isCut ? 0 : Math.Max(0, end - found.Position);
                isCut |= over == 0 || found.Length - over >= SequenceParser.MinRepeat;
                if (isCut)
                    _matches[count++] = found with { Position = found.Position + over, Length = found.Length - over };
            }
        }
        GC.KeepAlive(this);
        return _matches.AsSpan(0, count);
    }

    public void Dispose()
    {
        _workspace.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract bool TryMatch(
        FoldWorkspace workspace, MatchDictionary? dictionary, int length, out ulong* firstEnd, out ulong* secondEnd);

    private static TextParser Create<TPath>(int maxLength, ReadOnlySpan<byte> dictionary)
        where TPath : struct, IInstructionPath => (maxLength <= 1 << SmallShape.PositionBits, dictionary.IsEmpty) switch
        {
            (true, true) => new Shaped<TPath, SmallShape, DenseLevel>(maxLength, dictionary),
            (true, false) => new Shaped<TPath, SmallShape, DenseDictionaryLevel>(maxLength, dictionary),
            _ => new Shaped<TPath, LargeShape, DenseLongLevel>(maxLength, dictionary),
        };

    private void AddLiterals(ReadOnlySpan<byte> literals, ref int count)
    {
        literals.CopyTo(_literals.AsSpan(count));
        count += literals.Length;
    }

    private sealed class Shaped<TPath, TShape, TLevel>(int maxLength, ReadOnlySpan<byte> dictionary) : TextParser(
        maxLength, dictionary, MatchFinder.TableBytes<TShape>(),
        dictionary.IsEmpty ? null : MatchDictionary.Make<TShape>(dictionary, hasCandidates: true))
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
        where TLevel : struct, IFoldLevel
    {
        private protected override bool TryMatch(
            FoldWorkspace workspace, MatchDictionary? dictionary, int length, out ulong* firstEnd, out ulong* secondEnd)
        {
            firstEnd = null;
            secondEnd = null;
            if (!MatchFinder.Find<TPath, TShape>(workspace.Match, length, dictionary))
                return false;
            SequenceParser.Parse<TPath, TLevel>(
                workspace.Match, length - 1, length, workspace.First, out firstEnd, workspace.Second, out secondEnd);
            return true;
        }
    }
}

/// <summary>A part of a text that has occurred before.</summary>
/// <param name="Position">Where it begins.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Distance">How far back the earlier occurrence begins.</param>
internal readonly record struct TextMatch(int Position, int Length, int Distance)
{
    /// <summary>Reads a match as the parser writes it.</summary>
    public static TextMatch Of(ulong match) => new(
        (int)(match & ushort.MaxValue), (int)(match >> SequenceParser.LengthShift & ushort.MaxValue),
        (int)(match >> SequenceParser.DistanceShift));
}
