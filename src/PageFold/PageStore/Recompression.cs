namespace PageFold.Store;

/// <summary>A recompression, or a retirement, that is going on, and what it has done so far. Used by one thread.</summary>
/// <param name="options">Which pages, and what with.</param>
/// <param name="codec">The number of the codec that pages are compressed with.</param>
/// <param name="leaving">The number of the codec that all pages are to leave, whether they shrink or not; null for a recompression.</param>
/// <param name="leavingCodec">That codec: another one may have its number as soon as all pages have left.</param>
internal sealed class Recompression(RecompressionOptions options, int codec, int? leaving = null, PageCodec? leavingCodec = null)
{
    public RecompressionOptions Options => options;

    public int Codec => codec;

    public int? Leaving => leaving;

    public PageCodec? LeavingCodec => leavingCodec;

    public long Examined { get; private set; }

    public long Recompressed { get; private set; }

    public long WithoutGain { get; private set; }

    public long Skipped { get; private set; }

    /// <summary>Stored bytes that pages take less by now; below zero if they take more.</summary>
    public long BytesGained { get; set; }

    /// <summary>True if no more pages are to be taken.</summary>
    public bool IsAtEnd => Examined >= (options.MostPages ?? long.MaxValue);

    /// <summary>The page that found no memory last, until that is seen to.</summary>
    public long? ShortAt { get; set; }

    public void Count(RecompressionOutcome outcome) => Add(outcome, 1);

    /// <summary>Takes back what was counted last, for a page that is tried again.</summary>
    public void Forget(RecompressionOutcome outcome) => Add(outcome, -1);

    private void Add(RecompressionOutcome outcome, int count)
    {
        Examined += count;
        switch (outcome)
        {
            case RecompressionOutcome.Recompressed:
                Recompressed += count;
                break;
            case RecompressionOutcome.WithoutGain:
                WithoutGain += count;
                break;
            default:
                Skipped += count;
                break;
        }
    }
}

/// <summary>What came of one page.</summary>
internal enum RecompressionOutcome
{
    Recompressed,
    WithoutGain,
    Skipped,
    NoMemory,
}
