namespace PageFold.Cli;

/// <summary>Tables of the dense level that <c>--codec auto</c> trains on a store's own pages.</summary>
internal static class AutoTables
{
    // Fewer pages are too few samples.
    private const long FewestPages = 4096;

    // Training takes 48 MiB for some seconds. So much has to be free that no write is refused for it.
    private const long Room = 128 << 20;

    /// <summary>True if a store has pages enough, and memory to spare while it trains.</summary>
    public static bool AreWorthwhile(PageStoreStatistics statistics) =>
        statistics.Pages >= FewestPages && statistics.MemoryLimit - statistics.TotalBytes >= Room;

    /// <summary>Trains tables; null if they gain too little.</summary>
    public static PageCodec? Train(PageStore store, CancellationToken cancellation) =>
        store.TrainFoldTables(FoldLevel.Dense, cancellationToken: cancellation) is { } tables
            ? PageCodec.Fold(FoldLevel.Dense, tables)
            : null;
}
