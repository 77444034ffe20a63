using PageFold.Nbd.Interop;

namespace PageFold.Nbd.Session;

/// <summary>
/// What one user, as a connection's replies, has taken of a <see cref="ConnectionMemory"/>: blocks that it is sure of, and borrowed ones.
/// Thread-safe.
/// </summary>
internal sealed class MemoryLease(ConnectionMemory memory, int guaranteed)
{
    /// <summary>Blocks that this user can always have.</summary>
    public int Guaranteed => guaranteed;

    /// <summary>Of the blocks that it is sure of, those it has. Under the memory's lock.</summary>
    public int Own { get; set; }

    /// <summary>The others that it has. Under the memory's lock.</summary>
    public int Borrowed { get; set; }

    /// <summary>Given a block that is disposed of, in place of the memory.</summary>
    public Action<MemoryBlock>? Recycler { get; init; }

    /// <summary>Takes a block it is sure of, or else borrows one; null if there is none to borrow.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for a block that it is sure of.</exception>
    public MemoryBlock? TryTake() => memory.TryTake(this, mayUseOwn: true);

    /// <summary>Borrows a block; null if there is none.</summary>
    public MemoryBlock? TryBorrow() => memory.TryTake(this, mayUseOwn: false);

    /// <summary>Gives a block back.</summary>
    public void Return(MemoryBlock block) => memory.Return(block);

    /// <summary>Does with a block what its user wants once it is disposed of.</summary>
    public void Recycle(MemoryBlock block)
    {
        if (Recycler is { } recycler)
            recycler(block);
        else
            memory.Return(block);
    }
}
