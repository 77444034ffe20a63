namespace PageFold.Nbd.Disk;

/// <summary>
/// A lock for the pages whose numbers are equal modulo the number of cells, and room for one of them, decompressed. Whoever changes a page of a disk holds its cell, so that a write to a part of
/// a page (read, change, write) loses nothing of what others write to the rest. Everything here is guarded by <see cref="Lock"/>; only <see cref="Page"/> and the <see cref="DirtyCells"/> may be looked at without.
/// </summary>
internal sealed class PageCell(byte[]? buffer, DirtyCells dirtyCells, int number)
{
    public const long None = -1;

    private long _page = None;
    private bool _dirty;

    public Lock Lock { get; } = new();

    /// <summary>Room for a page; null on a disk that keeps none.</summary>
    public byte[]? Buffer { get; } = buffer;

    /// <summary>The page in the buffer, or <see cref="None"/>.</summary>
    public long Page
    {
        get => Volatile.Read(ref _page);
        set => Volatile.Write(ref _page, value);
    }

    /// <summary>The buffer is newer than the store. Such a page stays here until the store takes it: nothing that was accepted is lost when the store is full.</summary>
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

    /// <summary>A client has zeroed a part of the page and wants no hole there: the store holds the page even if it is all zeros.</summary>
    public bool KeepsPlace { get; set; }

    public void Forget()
    {
        Page = None;
        Dirty = false;
        KeepsPlace = false;
    }
}
