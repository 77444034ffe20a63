namespace PageFold.Store.Recompression;

/// <summary>What was retired for a recompression.</summary>
internal sealed class Retirements(long? maxPages)
{
    private readonly Dictionary<int, CodecRetirement> _tried = [];

    public long Moved { get; private set; }

    public int Codecs { get; private set; }

    /// <summary>Stored bytes that the moved pages take less by now; below zero if they take more.</summary>
    public long BytesGained { get; private set; }

    public long NotMoved => _tried.Values.Sum(retirement => retirement.NotMoved);

    /// <summary>Pages that may still be moved; null for all.</summary>
    public long? PagesLeft => maxPages is { } most ? Math.Max(0, most - Moved) : null;

    public bool HasTried(int number) => _tried.ContainsKey(number);

    public void Count(int number, CodecRetirement retirement, long gained)
    {
        BytesGained += gained;
        _tried[number] = retirement;
        Moved += retirement.Moved;
        Codecs += retirement.IsRetired ? 1 : 0;
    }
}
