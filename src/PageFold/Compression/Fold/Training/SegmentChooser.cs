namespace PageFold.Compression.Fold.Training;

/// <summary>Chooses the parts of samples that cover the strings that most samples have.</summary>
/// <remarks>
/// The greedy cover of Liao, Petri, Moffat and Wirth ("Effective construction of relative Lempel-Ziv dictionaries", 2016), which
/// Zstandard's trainer follows too: the samples are divided into epochs; of each epoch in turn the segment is taken whose strings most
/// other samples have, and then these strings are worth nothing any more. So segments come from all samples, and one pass over an epoch
/// gives one segment.
/// </remarks>
internal sealed class SegmentChooser : IDisposable
{
    private const int Passes = 4;

    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _texts;
    private readonly SubstringCounts _counts;
    private readonly TrainingWork _work;
    private readonly int _length;
    private readonly int _epochs;
    private int _epoch;

    /// <param name="texts">The samples.</param>
    /// <param name="stringLength">Bytes of the strings that are counted.</param>
    /// <param name="segmentLength">Bytes of a segment.</param>
    /// <param name="bytes">Bytes that all segments shall have.</param>
    /// <param name="work">The training.</param>
    public SegmentChooser(IReadOnlyList<ReadOnlyMemory<byte>> texts, int stringLength, int segmentLength, int bytes, TrainingWork work)
    {
        _work = work;
        _texts = texts;
        _length = segmentLength;
        _counts = new SubstringCounts(texts, stringLength, work);
        _epochs = Math.Clamp(bytes / segmentLength / Passes, 1, texts.Count);
    }

    public void Dispose() => _counts.Dispose();

    /// <summary>Chooses segments of at most so many bytes in all; fewer if no other part is worth anything.</summary>
    public List<PrefixSegment> Choose(int bytes)
    {
        List<PrefixSegment> chosen = [];
        int inVain = 0;
        while (bytes >= _counts.Length && inVain < _epochs)
        {
            PrefixSegment best = ChooseOne(Math.Min(_length, bytes));
            inVain = best.Worth > 0 ? 0 : inVain + 1;
            if (best.Worth == 0)
                continue;
            chosen.Add(best);
            bytes -= best.Bytes.Length;
        }
        return chosen;
    }

    /// <summary>Returns the best segment of the next epoch, and makes its strings worth nothing.</summary>
    private PrefixSegment ChooseOne(int length)
    {
        int first = (int)((long)_epoch * _texts.Count / _epochs);
        int end = (int)((long)(_epoch + 1) * _texts.Count / _epochs);
        _epoch = (_epoch + 1) % _epochs;
        PrefixSegment best = default;
        for (int i = first; i < end; i++)
        {
            _work.Check();
            PrefixSegment found = BestOf(_texts[i], length, best.Worth);
            if (found.Worth > best.Worth)
                best = found;
        }
        ReadOnlySpan<byte> bytes = best.Bytes.Span;
        int from = 0;
        int to = Math.Max(0, bytes.Length - sizeof(ulong) + 1);
        // What is worth nothing at either end is left out.
        while (from < to && !_counts.IsCommon(_counts.Place(bytes, from)))
            from++;
        while (to > from && !_counts.IsCommon(_counts.Place(bytes, to - 1)))
            to--;
        for (int at = from; at < to; at++)
            _counts.Clear(_counts.Place(bytes, at));
        return best with { Bytes = best.Bytes[from..Math.Min(best.Bytes.Length, to + sizeof(ulong) - 1)] };
    }

    /// <summary>Returns a text's best segment; one of no worth if none is worth more than a bound.</summary>
    private PrefixSegment BestOf(ReadOnlyMemory<byte> text, int length, long bound)
    {
        ReadOnlySpan<byte> bytes = text.Span;
        int strings = bytes.Length - sizeof(ulong) + 1;
        int window = Math.Max(1, length - sizeof(ulong) + 1);
        long worth = 0;
        int start = -1;
        for (int at = 0; at < strings; at++)
        {
            int entering = _counts.Place(bytes, at);
            if (_counts.IsCommon(entering) && _counts.InWindow(entering)++ == 0)
                worth += _counts[entering];
            if (at >= window)
            {
                int leaving = _counts.Place(bytes, at - window);
                if (_counts.IsCommon(leaving) && --_counts.InWindow(leaving) == 0)
                    worth -= _counts[leaving];
            }
            if (worth > bound)
                (bound, start) = (worth, Math.Max(0, at - window + 1));
        }
        for (int at = Math.Max(0, strings - window); at < strings; at++)
            _counts.InWindow(_counts.Place(bytes, at)) = 0;
        return start < 0 ? default : new PrefixSegment(text.Slice(start, Math.Min(length, bytes.Length - start)), bound);
    }
}
