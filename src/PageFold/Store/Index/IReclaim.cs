namespace PageFold.Store.Index;

/// <summary>Moves pages out of memory when others need it: what the writeback offers to writers, moves and loads.</summary>
internal interface IReclaim
{
    /// <summary>True if a write that finds no memory moves pages instead of being refused.</summary>
    public bool IsDirect { get; }

    /// <summary>How often pages have left memory so far. A writer that sees it change while it waits tries its page again first.</summary>
    public long Rounds { get; }

    /// <summary>
    /// Moves a batch of pages out of memory, unless another thread has done so since <paramref name="seen"/>; true if pages have left. The
    /// caller is outside the rundown gate.
    /// </summary>
    /// <param name="seen">What <see cref="Rounds"/> was when the caller's attempt found no memory.</param>
    /// <param name="mayTryAgain">True if pages stayed only because other threads used them.</param>
    public bool TryReclaim(long seen, out bool mayTryAgain);

    /// <summary>
    /// Moves up to so many stored bytes of pages out of memory. Each call goes on where the one before ended, so that together they pass
    /// the pages once. The caller is outside the rundown gate.
    /// </summary>
    public WritebackResult WriteBackOnwards(long bytes, CancellationToken cancellationToken);
}
