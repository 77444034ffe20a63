using PageFold.Compression.Matching;
using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>What training knows of its samples: their sequences and literals, and their tokens for a while. Used by one thread.</summary>
internal sealed unsafe class TrainingTexts : IDisposable
{
    private readonly BorrowedMemory _memory;
    private readonly TrainingBlocks _blocks;

    // Of tokens, which each round makes anew.
    private readonly TrainingBlocks _tokens;
    private readonly NativeBuffer _texts;
    private int _count;

    /// <param name="most">The most texts.</param>
    /// <param name="memory">What they are kept in.</param>
    public TrainingTexts(int most, BorrowedMemory memory)
    {
        _memory = memory;
        _blocks = new TrainingBlocks(memory);
        _tokens = new TrainingBlocks(memory);
        _texts = memory.Allocate(Math.Max(1, (long)most * sizeof(ParsedText)));
    }

    /// <summary>The texts.</summary>
    public Span<ParsedText> All => new(_texts.Pointer, _count);

    /// <summary>The most bytes that texts take.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="length">The most bytes of each.</param>
    public static long MaxBytes(long count, int length)
    {
        int matches = 2 * SequenceParser.MaxMatches(length);
        long each = ParsedText.MaxBytes(length) + SymbolCounts.MaxBytes(matches) + sizeof(ulong);
        // An array that no longer fits leaves the end of its block empty.
        each += each * Math.Max(SymbolCounts.MaxArrayBytes, matches * sizeof(ushort)) / TrainingBlocks.BlockBytes;
        return count * (sizeof(ParsedText) + each) + 3 * TrainingBlocks.BlockBytes
            + PrefixCodeTrainer.MaxSegments * (long)sizeof(SymbolCounts);
    }

    /// <summary>The most bytes that texts of several lengths take.</summary>
    /// <param name="lengths">Bytes of each.</param>
    /// <param name="most">Of longer ones so many bytes are used.</param>
    public static long MaxBytes(ReadOnlySpan<int> lengths, int most)
    {
        long all = 0;
        foreach (int length in lengths)
        {
            int used = Math.Min(length, most);
            int matches = 2 * SequenceParser.MaxMatches(used);
            all += sizeof(ParsedText) + ParsedText.MaxBytes(used) + matches * sizeof(ushort) + SymbolCounts.MaxBytes(matches)
                + sizeof(ulong);
        }
        // An array that no longer fits leaves the end of its block empty.
        long left = Math.Max(SymbolCounts.MaxArrayBytes, 2L * SequenceParser.MaxMatches(most) * sizeof(ushort));
        return all + all * left / (TrainingBlocks.BlockBytes - left) + 3 * TrainingBlocks.BlockBytes
            + PrefixCodeTrainer.MaxSegments * (long)sizeof(SymbolCounts);
    }

    /// <summary>Parses samples, once; those that are empty or longer than the length are not used.</summary>
    public void Parse(IReadOnlyList<ReadOnlyMemory<byte>> samples, int length, ReadOnlySpan<byte> dictionary, TrainingWork work)
    {
        using TextParser parser = TextParser.Create(length, dictionary, _memory);
        for (int i = 0; i < samples.Count; i++)
        {
            work.Tell((double)i / samples.Count);
            ReadOnlySpan<byte> sample = samples[i].Span;
            if (sample.Length > 0 && sample.Length <= length)
                ((ParsedText*)_texts.Pointer)[_count++] = parser.Parse(sample, _blocks);
        }
    }

    /// <summary>Counts how many sequences of the texts in use have the cells at each place of a map.</summary>
    public void Count(Span<long> counts)
    {
        counts.Clear();
        foreach (ref readonly ParsedText text in All)
        {
            if (!text.IsUsed)
                continue;
            foreach (ushort place in text.Sequences)
                counts[place]++;
        }
    }

    /// <summary>Chooses the codes of literals: see <see cref="PrefixCodeTrainer.Train"/>.</summary>
    public byte[][] TrainLiterals(int gainShift, byte[][] start, TrainingWork work) => Train(areTokens: false, gainShift, start, work);

    /// <summary>Chooses the codes of the tokens that a map gives the sequences.</summary>
    public byte[][] TrainTokens(ReadOnlySpan<byte> map, int gainShift, byte[][] start, TrainingWork work)
    {
        _tokens.Clear();
        Span<byte> tokens = new byte[MaxSequences()];
        foreach (ref ParsedText text in All)
        {
            work.Check();
            if (!text.IsUsed)
                continue;
            ReadOnlySpan<ushort> sequences = text.Sequences;
            for (int i = 0; i < sequences.Length; i++)
                tokens[i] = map[sequences[i]];
            text.SetTokens(tokens[..sequences.Length], _tokens);
        }
        return Train(areTokens: true, gainShift, start, work);
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _tokens.Dispose();
        _memory.Free(_texts);
    }

    private byte[][] Train(bool areTokens, int gainShift, byte[][] start, TrainingWork work)
    {
        int all = 0;
        foreach (ref readonly ParsedText text in All)
        {
            foreach (ref readonly SymbolCounts segment in text.Segments(areTokens))
                all += PrefixCodeTrainer.IsLong(segment) ? 1 : 0;
        }
        int used = Math.Min(all, PrefixCodeTrainer.MaxSegments);
        if (used == 0)
            return [];
        NativeBuffer memory = _memory.Allocate((long)used * sizeof(SymbolCounts));
        try
        {
            Span<SymbolCounts> chosen = new(memory.Pointer, used);
            Choose(areTokens, all, chosen);
            return PrefixCodeTrainer.Train(chosen, gainShift, start, work);
        }
        finally
        {
            _memory.Free(memory);
        }
    }

    /// <summary>Chooses some of the long segments, evenly.</summary>
    private void Choose(bool areTokens, int all, Span<SymbolCounts> chosen)
    {
        int seen = 0;
        int taken = 0;
        foreach (ref readonly ParsedText text in All)
        {
            foreach (ref readonly SymbolCounts segment in text.Segments(areTokens))
            {
                if (!PrefixCodeTrainer.IsLong(segment))
                    continue;
                if (taken < chosen.Length && seen == (int)((long)taken * all / chosen.Length))
                    chosen[taken++] = segment;
                seen++;
            }
        }
    }

    private int MaxSequences()
    {
        int most = 0;
        foreach (ref readonly ParsedText text in All)
            most = Math.Max(most, text.Sequences.Length);
        return most;
    }
}
