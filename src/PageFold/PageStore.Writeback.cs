namespace PageFold;

// Pages that leave memory for a file.
public sealed partial class PageStore
{
    /// <summary>
    /// Moves pages from memory to the writeback file, as they are stored. Same-filled pages stay in memory. A moved page is read from the
    /// file, and stays there until it is written or discarded. Does not count as an access. Other threads may read, write and discard
    /// meanwhile; a second writeback waits for the first.
    /// </summary>
    /// <param name="selection">Which pages; null for all.</param>
    /// <param name="progress">Receives now and then which part of the pages has been examined, 0 to 1.</param>
    /// <param name="cancellationToken">Ends between two batches; what was done so far stays.</param>
    /// <exception cref="ArgumentOutOfRangeException">A condition is out of range.</exception>
    /// <exception cref="InvalidOperationException">
    /// The store has no writeback file, or pages are to be chosen by age and it does not track access, or a codec calls the store that it
    /// works for.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public WritebackResult WriteBack(WritebackSelection? selection = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        selection ??= new WritebackSelection();
        StoreThrow.IfNoWriteback(_writeback is not null);
        StoreThrow.IfAgesUnknown(selection.MinAge, _index.Access is not null);
        Throw.IfNegative(selection.MaxBytes ?? 0, nameof(selection.MaxBytes));
        return _writeback!.Run(selection, progress, cancellationToken);
    }
}
