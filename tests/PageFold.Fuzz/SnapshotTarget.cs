namespace PageFold.Fuzz;

/// <summary>
/// Loads a file that may hold anything. It is loaded, and then every page can be read, or it is refused with a documented exception, and
/// then the store is empty. Anything else is a finding.
/// </summary>
internal sealed class SnapshotTarget : IDisposable
{
    private const int MemoryLimit = 12 << 20;

    // What the tables of a store that has held pages may keep.
    private const int MaxKept = 2 << 20;

    private readonly string _file;
    private readonly PageStore _store = new(new PageStoreOptions { MemoryLimit = MemoryLimit });
    private readonly byte[] _page = new byte[4096];

    /// <param name="file">Where each input is written before it is loaded, so that it is left behind if the process ends.</param>
    public SnapshotTarget(string file) => _file = file;

    /// <summary>Inputs that were loaded, and not refused.</summary>
    public long Accepted { get; private set; }

    public void Run(byte[] input)
    {
        File.WriteAllBytes(_file, input);
        try
        {
            _ = Snapshot.ReadInfo(_file);
            _store.LoadSnapshot(_file, new SnapshotLoadOptions { RestoreCodecs = input.Length % 2 == 0 });
            foreach (long page in _store.EnumeratePages())
                Demand(_store.TryRead(page, _page), $"page {page} was loaded and is not there");
            Accepted++;
        }
        catch (Exception refused) when (refused is SnapshotException or MemoryLimitException || IsOfOtherPageSize(refused))
        {
            Demand(_store.GetStatistics().Pages == 0, "a snapshot was refused and has left pages behind");
            Demand(!refused.Message.Contains('\n', StringComparison.Ordinal), "a message has two lines");
        }
        _store.Discard(0, PageStore.MaxPage + 1);
        PageStoreStatistics left = _store.GetStatistics();
        Demand((left.Pages, left.PoolBytes) == (0, 0), $"an empty store holds {left.PoolBytes} bytes of objects");
        Demand(left.PeakBytes <= MemoryLimit, $"{left.PeakBytes} bytes were held, which is above the limit");
        if (left.TotalBytes <= MaxKept)
            return;
        _store.Compact();
        long kept = _store.GetStatistics().TotalBytes;
        Demand(kept <= MaxKept || _store.Codecs.Count > 1, $"an empty store keeps {kept} bytes");
    }

    public void Dispose()
    {
        _store.Dispose();
        File.Delete(_file);
    }

    private static bool IsOfOtherPageSize(Exception refused) =>
        refused is InvalidOperationException && refused.Message.Contains("PageSize", StringComparison.Ordinal);

    private static void Demand(bool condition, string finding)
    {
        if (!condition)
            throw new InvalidDataException(finding);
    }
}
