namespace PageFold.Store;

/// <summary>
/// Direct reclaim through the writeback file: where the next write that finds no memory goes on looking for pages to move. The walk goes
/// round over the page numbers like the hand of a clock, so every page is passed once before one is looked at again. Guarded by
/// <see cref="WritebackLog.Working"/>, except for <see cref="Count"/>.
/// </summary>
internal sealed class WritebackReclaim(WritebackLog log)
{
    private static readonly WritebackSelection AnyPage = new();

    private long _count;

    /// <summary>
    /// How often pages have left memory so far. A writer that sees it change while it waits its turn tries its page again first.
    /// </summary>
    public long Count
    {
        get => Volatile.Read(ref _count);
        set => Volatile.Write(ref _count, value);
    }

    /// <summary>The run of all reclaims: writes at the limit allocate nothing on the GC heap.</summary>
    public WritebackRun Run { get; } = new(log, AnyPage);

    /// <summary>The page to go on with.</summary>
    public long Hand { get; set; }
}
