namespace PageFold.Disks.Cells;

/// <summary>A lock for the pages whose numbers are equal modulo the number of cells, and a buffer for one of them, decompressed.</summary>
/// <remarks>
/// A writer holds the cell of the page that it changes, so that a write to a part of a page (read, change, write) keeps what other writers
/// write to the rest. <see cref="Lock"/> guards everything here; only <see cref="Page"/> and the <see cref="DirtyCells"/> may be read
/// without it.
/// </remarks>
internal sealed class PageCell(byte[]? buffer, DirtyCells dirtyCells, int number)
{
    public const long None = -1;

    private long _page = None;
    private bool _dirty;

    public Lock Lock { get; } = new();

    /// <summary>The buffer; null on a disk without a cache.</summary>
    public byte[]? Buffer { get; } = buffer;

    /// <summary>The page in the buffer, or <see cref="None"/>.</summary>
    public long Page
    {
        get => Volatile.Read(ref _page);
        set => Volatile.Write(ref _page, value);
    }

    /// <summary>True while the buffer is newer than the store.</summary>
    /// <remarks>A dirty page stays here until the store accepts it: a full store loses nothing that the disk has accepted.</remarks>
    public bool Dirty
    {
        get => _dirty;
        set
        {
            if (value != _dirty)
                dirtyCells.Set(number, value);
            _dirty = value;
        }
    }

    /// <summary>True if a client has zeroed a part of the page without a hole.</summary>
    /// <remarks>The store then holds the page even if it is all zeros.</remarks>
    public bool KeepsPlace { get; set; }

    public void Forget()
    {
        Page = None;
        Dirty = false;
        KeepsPlace = false;
    }
}
