using PageFold.Nbd.Interop;

namespace PageFold.Nbd.Session;

/// <summary>
/// The memory that all connections of a server have in hand together, in blocks outside the GC heap, never more than a limit. Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// Each of the most connections that there can be is sure of three blocks: one to receive in, two for replies. With these alone it gets on,
/// so no connection waits for another. What the limit has beyond them is shared: a lease borrows from it while more is left than the lease
/// has borrowed, so that a few greedy clients leave something to the others.
/// </para>
/// <para>Blocks that came back are used again first, and go back to the system when none was needed for two seconds; after <see
/// cref="Keep"/> as many stay as all connections are sure of.</para>
/// </remarks>
internal sealed class ConnectionMemory : IDisposable
{
    /// <summary>Blocks that a connection is sure of to receive in.</summary>
    public const int BlocksToReceive = 1;

    /// <summary>Blocks that a connection is sure of for replies: one that fills up, one that is on its way.</summary>
    public const int BlocksForReplies = 2;

    /// <summary>Bytes that each connection is sure of.</summary>
    public const long GuaranteedBytes = (BlocksToReceive + BlocksForReplies) * (long)MemoryBlock.Bytes;

    /// <summary>What is shared unless the options say otherwise.</summary>
    public const long DefaultSharedBytes = 32 << 20;

    /// <summary>How long memory without a use is kept for the next.</summary>
    public const int MillisecondsKept = 2000;

    private const int MaxGivenBackAtOnce = 16;

    private readonly Lock _lock = new();
    private readonly long _limit;
    private readonly long _shared;

    // In the order in which they came back; the last one is taken first. Those of _empty have no memory at the moment.
    private readonly List<MemoryBlock> _kept = [];
    private readonly Stack<MemoryBlock> _empty = new();
    private long _least;
    private long _taken;
    private long _borrowed;
    private long _peak;
    private bool _disposed;

    /// <param name="limitBytes">The most bytes; at least <see cref="GuaranteedBytes"/> for each connection.</param>
    /// <param name="maxConnections">The most connections.</param>
    public ConnectionMemory(long limitBytes, int maxConnections)
    {
        _limit = limitBytes / MemoryBlock.Bytes;
        _shared = _limit - maxConnections * GuaranteedBytes / MemoryBlock.Bytes;
    }

    /// <summary>Bytes of the blocks that connections use, and of those kept for the next.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_lock)
                return (_taken + _kept.Count) * MemoryBlock.Bytes;
        }
    }

    /// <summary>The most bytes held at once so far.</summary>
    public long PeakBytes
    {
        get
        {
            lock (_lock)
                return _peak * MemoryBlock.Bytes;
        }
    }

    /// <summary>The most bytes that can be held.</summary>
    public long LimitBytes => _limit * MemoryBlock.Bytes;

    /// <summary>The limit where the options name none.</summary>
    public static long DefaultLimit(int maxConnections) => maxConnections * GuaranteedBytes + DefaultSharedBytes;

    /// <summary>Takes what all connections are sure of from the system now, and keeps as much until the end.</summary>
    /// <exception cref="InsufficientMemoryException">The system has too little memory.</exception>
    public void Keep()
    {
        lock (_lock)
        {
            _least = _limit - _shared;
            while (_taken + _kept.Count < _least)
            {
                if (!TryMake())
                    throw Throw.SystemHasNoMemory();
                // The system gives memory when it is first written to.
                _kept[^1].GetSpan().Clear();
            }
            _peak = Math.Max(_peak, _taken + _kept.Count);
        }
    }

    /// <summary>Takes a block for a lease, one that it is sure of or else a borrowed one; null if there is none to borrow.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for a block that the lease is sure of.</exception>
    public MemoryBlock? TryTake(MemoryLease lease, bool mayUseOwn)
    {
        lock (_lock)
        {
            bool own = mayUseOwn && lease.Own < lease.Guaranteed;
            if (!own && lease.Borrowed >= _shared - _borrowed)
                return null;
            if (_kept.Count == 0 && !TryMake())
                return own ? throw Throw.SystemHasNoMemory() : null;
            MemoryBlock block = _kept[^1];
            _kept.RemoveAt(_kept.Count - 1);
            block.Lease = lease;
            block.IsBorrowed = !own;
            if (own)
                lease.Own++;
            else
                (lease.Borrowed, _borrowed) = (lease.Borrowed + 1, _borrowed + 1);
            _taken++;
            _peak = Math.Max(_peak, _taken + _kept.Count);
            return block;
        }
    }

    /// <summary>Takes a block back.</summary>
    public void Return(MemoryBlock block)
    {
        block.ReturnedAt = Environment.TickCount64;
        lock (_lock)
        {
            MemoryLease lease = block.Lease!;
            if (block.IsBorrowed)
                (lease.Borrowed, _borrowed) = (lease.Borrowed - 1, _borrowed - 1);
            else
                lease.Own--;
            block.Lease = null;
            _taken--;
            _kept.Add(block);
        }
        if (_disposed)
            Trim(long.MaxValue);
    }

    /// <summary>Gives blocks back to the system that were not needed for a while. To be called now and then.</summary>
    /// <param name="now">By <see cref="Environment.TickCount64"/>.</param>
    public void Trim(long now)
    {
        // In small groups, so that no connection waits long for the lock.
        while (TrimSome(now))
        {
        }
    }

    /// <summary>Gives everything back that is not in use, and the rest as soon as it is returned.</summary>
    public void Dispose()
    {
        _disposed = true;
        lock (_lock)
            _least = 0;
        Trim(long.MaxValue);
    }

    private bool TryMake()
    {
        if (_empty.Count == 0)
#pragma warning disable CA2000 // To dispose of a block is to return it.
            _empty.Push(new MemoryBlock());
#pragma warning restore CA2000
        if (!_empty.Peek().TryHold())
            return false;
        _kept.Add(_empty.Pop());
        return true;
    }

    private bool TrimSome(long now)
    {
        lock (_lock)
        {
            int count = 0;
            long surplus = _taken + _kept.Count - _least;
            long most = Math.Min(Math.Min(_kept.Count, surplus), MaxGivenBackAtOnce);
            while (count < most && now - _kept[count].ReturnedAt >= MillisecondsKept)
            {
                _kept[count].GiveBack();
                _empty.Push(_kept[count++]);
            }
            _kept.RemoveRange(0, count);
            return count == MaxGivenBackAtOnce;
        }
    }
}
