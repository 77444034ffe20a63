using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold.Training;

/// <summary>Finds the sequences and literals of texts as an encoder of the dense level does. Not thread-safe.</summary>
internal abstract unsafe class TextParser : IDisposable
{
    private readonly MatchDictionary? _dictionary;
    private readonly FoldWorkspace _workspace;
    private readonly ushort[] _sequences;
    private readonly int[] _counts = new int[LiteralCode.Symbols];

    private TextParser(int maxLength, ReadOnlySpan<byte> content, int tableBytes, MatchDictionary? dictionary)
    {
        _dictionary = dictionary;
        _workspace = new FoldWorkspace(maxLength, tableBytes, content);
        _sequences = new ushort[2 * SequenceParser.MaxMatches(maxLength)];
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
        _workspace.Match.Load(text);
        _counts.AsSpan().Clear();
        int anchor = 0;
        int count = 0;
        if (TryMatch(_workspace, _dictionary, text.Length, out ulong* firstEnd, out ulong* secondEnd))
        {
            int last = 1;
            for (ulong* match = _workspace.First; match < firstEnd; match++)
                Add(Position(*match), Length(*match), Distance(*match), text, ref anchor, ref last, ref count);
            bool isCut = false;
            for (ulong* match = _workspace.Second; match < secondEnd; match++)
            {
                // What the first half's last match covers of the second half falls away.
                int over = isCut ? 0 : Math.Max(0, anchor - Position(*match));
                isCut |= over == 0 || Length(*match) - over >= SequenceParser.MinRepeat;
                if (isCut)
                    Add(Position(*match) + over, Length(*match) - over, Distance(*match), text, ref anchor, ref last, ref count);
            }
        }
        Count(text[anchor..]);
        GC.KeepAlive(this);
        return new ParsedText(text.Length, _sequences.AsSpan(0, count), _counts);
    }

    public void Dispose()
    {
        _workspace.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract bool TryMatch(
        FoldWorkspace workspace, MatchDictionary? dictionary, int length, out ulong* firstEnd, out ulong* secondEnd);

    private static TextParser Create<TPath>(int maxLength, ReadOnlySpan<byte> dictionary)
        where TPath : struct, IInstructionPath => maxLength <= 1 << SmallShape.PositionBits
        ? new Shaped<TPath, SmallShape>(maxLength, dictionary)
        : new Shaped<TPath, LargeShape>(maxLength, dictionary);

    private static int Position(ulong match) => (int)(match & ushort.MaxValue);

    private static int Length(ulong match) => (int)(match >> SequenceParser.LengthShift & ushort.MaxValue);

    private static int Distance(ulong match) => (int)(match >> SequenceParser.DistanceShift);

    private void Add(int position, int length, int distance, ReadOnlySpan<byte> text, ref int anchor, ref int last, ref int count)
    {
        Count(text[anchor..position]);
        int cell = distance == last ? Cells.Repeat : Cells.OfDistance(distance);
        _sequences[count++] = (ushort)Cells.Place(cell, Cells.OfLiterals(position - anchor), Cells.OfMatch(length));
        last = distance;
        anchor = position + length;
    }

    private void Count(ReadOnlySpan<byte> literals)
    {
        foreach (byte value in literals)
            _counts[value]++;
    }

    private sealed class Shaped<TPath, TShape>(int maxLength, ReadOnlySpan<byte> dictionary) : TextParser(
        maxLength, dictionary, MatchFinder.TableBytes<TShape>(), dictionary.IsEmpty ? null : MatchDictionary.Make<TShape>(dictionary))
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        private protected override bool TryMatch(
            FoldWorkspace workspace, MatchDictionary? dictionary, int length, out ulong* firstEnd, out ulong* secondEnd)
        {
            firstEnd = null;
            secondEnd = null;
            if (!MatchFinder.Find<TPath, TShape>(workspace.Match, length, dictionary))
                return false;
            SequenceParser.Parse<TPath, DenseLevel>(
                workspace.Match, length - 1, length, workspace.First, out firstEnd, workspace.Second, out secondEnd);
            return true;
        }
    }
}
