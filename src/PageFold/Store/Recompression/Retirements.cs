using PageFold.Store.Codecs;

namespace PageFold.Store.Recompression;

/// <summary>What was retired for a recompression.</summary>
internal sealed class Retirements(long? maxPages)
{
    private readonly Dictionary<int, (PageCodec Codec, CodecRetirement Retirement)> _tried = [];

    public long Moved { get; private set; }

    public int Codecs { get; private set; }

    /// <summary>Stored bytes that the moved pages take less by now; below zero if they take more.</summary>
    public long BytesGained { get; private set; }

    public long NotMoved => _tried.Values.Sum(tried => tried.Retirement.NotMoved);

    /// <summary>Pages that may still be moved; null for all.</summary>
    public long? PagesLeft => maxPages is { } most ? Math.Max(0, most - Moved) : null;

    /// <summary>True if a codec could not be retired because no more pages may be moved.</summary>
    public bool HasEndedAtMaxPages => _tried.Values.Any(tried => tried.Retirement.Stopped == RetirementStop.MaxPages);

    /// <summary>The cause whose remedy lets the next run go on, of those for which codecs were not retired.</summary>
    public RetirementStop Stopped
    {
        get
        {
            RetirementStop[] order =
                [RetirementStop.Cancelled, RetirementStop.MaxPages, RetirementStop.NoMemory, RetirementStop.InUse];
            return order.FirstOrDefault(
                stop => _tried.Values.Any(tried => tried.Retirement.Stopped == stop), RetirementStop.Finished);
        }
    }

    public bool HasTried(int number) => _tried.ContainsKey(number);

    public void Count(int number, PageCodec codec, CodecRetirement retirement, long gained)
    {
        BytesGained += gained;
        _tried[number] = (codec, retirement);
        Moved += retirement.Moved;
        Codecs += retirement.IsRetired ? 1 : 0;
    }

    /// <summary>The codecs that could not be retired, with the pages that they still have.</summary>
    public IReadOnlyList<CodecUse> Describe(int pageSize) =>
    [
        .. _tried.Where(tried => !tried.Value.Retirement.IsRetired)
            .Select(tried => KnownCodecs.UseOf(
                tried.Value.Codec, tried.Key, tried.Value.Retirement.NotMoved, isForWrites: false, pageSize)),
    ];
}
