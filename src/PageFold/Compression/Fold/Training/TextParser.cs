using PageFold.Compression.Matching;
using PageFold.Compression.Paths;
using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>Finds the sequences and literals of texts as an encoder of the dense level does. Not thread-safe.</summary>
internal abstract unsafe class TextParser : IDisposable
{
    private readonly BorrowedMemory _memory;
    private readonly MatchDictionary? _dictionary;
    private readonly FoldWorkspace _workspace;
    private readonly NativeBuffer _buffer;
    private readonly TextMatch* _matches;
    private readonly byte* _literals;
    private readonly int _maxLength;

    private TextParser(int maxLength, ReadOnlySpan<byte> content, int tableBytes, MatchDictionary? dictionary, BorrowedMemory memory)
    {
        (_memory, _maxLength, _dictionary) = (memory, maxLength, dictionary);
        try
        {
            int matches = 2 * SequenceParser.MaxMatches(maxLength);
            _buffer = memory.Allocate((long)matches * sizeof(TextMatch) + maxLength);
            _matches = (TextMatch*)_buffer.Pointer;
            _literals = (byte*)(_matches + matches);
            memory.Use(FoldWorkspace.BytesFor(maxLength, tableBytes, content.Length, content.Length));
            _workspace = new FoldWorkspace(maxLength, tableBytes, content, _dictionary is null ? default : _dictionary.Candidates);
        }
        catch
        {
            // Now, and not by its finalizer: the task is about to give back what it was charged.
            FreeDictionary();
            memory.Free(_buffer);
            throw;
        }
    }

    /// <summary>Bytes that the parser holds.</summary>
    public long Bytes => _buffer.Length + _workspace.Match.Bytes + (_dictionary?.Bytes ?? 0);

    /// <summary>The most bytes that a parser takes.</summary>
    public static long MaxBytes(int maxLength, int dictionaryBytes)
    {
        int matches = 2 * SequenceParser.MaxMatches(maxLength);
        int tableBytes = Math.Max(MatchFinder.TableBytes<SmallShape>(), MatchFinder.TableBytes<LargeShape>());
        long dictionary = dictionaryBytes == 0 ? 0
            : Math.Max(MatchDictionary.BytesFor<SmallShape>(dictionaryBytes), MatchDictionary.BytesFor<LargeShape>(dictionaryBytes));
        return (long)matches * sizeof(TextMatch) + maxLength + dictionary
            + FoldWorkspace.BytesFor(maxLength, tableBytes, dictionaryBytes, dictionaryBytes);
    }

    /// <summary>Creates a parser.</summary>
    /// <param name="maxLength">The most bytes of a text.</param>
    /// <param name="dictionary">What precedes each text; empty for nothing.</param>
    /// <param name="memory">What it works in.</param>
    public static TextParser Create(int maxLength, ReadOnlySpan<byte> dictionary, BorrowedMemory memory) => InstructionPaths.Best switch
    {
        InstructionPath.Avx2 => Create<Avx2Path>(maxLength, dictionary, memory),
        InstructionPath.Avx2WithoutDeposit => Create<Avx2WithoutDepositPath>(maxLength, dictionary, memory),
        InstructionPath.Vector128 => Create<Vector128Path>(maxLength, dictionary, memory),
        _ => Create<ScalarPath>(maxLength, dictionary, memory),
    };

    /// <summary>Parses a text of at least one byte and at most the parser's length.</summary>
    /// <param name="text">The text.</param>
    /// <param name="blocks">Where the result is kept.</param>
    public ParsedText Parse(ReadOnlySpan<byte> text, TrainingBlocks blocks)
    {
        ReadOnlySpan<TextMatch> matches = FindMatches(text);
        ushort* sequences = blocks.Take<ushort>(matches.Length);
        Span<byte> literals = new(_literals, _maxLength);
        int count = 0;
        int anchor = 0;
        int last = 1;
        for (int i = 0; i < matches.Length; i++)
        {
            TextMatch match = matches[i];
            Add(text[anchor..match.Position], literals, ref count);
            int distance = match.Distance == last ? Cells.Repeat : Cells.OfDistance(match.Distance);
            sequences[i] = (ushort)Cells.Place(distance, Cells.OfLiterals(match.Position - anchor), Cells.OfMatch(match.Length));
            last = match.Distance;
            anchor = match.Position + match.Length;
        }
        Add(text[anchor..], literals, ref count);
        SymbolCounts* segments = SymbolCounts.OfSegments(literals[..count], blocks, out int segmentCount);
        return new ParsedText(text.Length, sequences, matches.Length, segments, segmentCount);
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
        return new ReadOnlySpan<TextMatch>(_matches, count);
    }

    public void Dispose()
    {
        _workspace.Dispose();
        _memory.EndUse(_workspace.Match.Bytes);
        FreeDictionary();
        _memory.Free(_buffer);
        GC.SuppressFinalize(this);
    }

    private protected abstract bool TryMatch(
        FoldWorkspace workspace, MatchDictionary? dictionary, int length, out ulong* firstEnd, out ulong* secondEnd);

    private static TextParser Create<TPath>(int maxLength, ReadOnlySpan<byte> dictionary, BorrowedMemory memory)
        where TPath : struct, IInstructionPath => (maxLength <= 1 << SmallShape.PositionBits, dictionary.IsEmpty) switch
        {
            (true, true) => new Shaped<TPath, SmallShape, DenseLevel>(maxLength, dictionary, memory),
            (true, false) => new Shaped<TPath, SmallShape, DenseDictionaryLevel>(maxLength, dictionary, memory),
            _ => new Shaped<TPath, LargeShape, DenseLongLevel>(maxLength, dictionary, memory),
        };

    private void FreeDictionary()
    {
        if (_dictionary is null)
            return;
        _dictionary.Free();
        _memory.EndUse(_dictionary.Bytes);
    }

    private static void Add(ReadOnlySpan<byte> run, Span<byte> literals, ref int count)
    {
        run.CopyTo(literals[count..]);
        count += run.Length;
    }

    private sealed class Shaped<TPath, TShape, TLevel>(int maxLength, ReadOnlySpan<byte> content, BorrowedMemory memory)
        : TextParser(maxLength, content, MatchFinder.TableBytes<TShape>(),
            content.IsEmpty ? null : Make(content, memory), memory)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
        where TLevel : struct, IFoldLevel
    {
        private static MatchDictionary Make(ReadOnlySpan<byte> content, BorrowedMemory memory)
        {
            memory.Use(MatchDictionary.BytesFor<TShape>(content.Length));
            return MatchDictionary.Make<TShape>(content, hasCandidates: true);
        }

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
