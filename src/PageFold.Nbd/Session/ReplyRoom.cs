namespace PageFold.Nbd.Session;

/// <summary>Memory for one reply in the queue of a connection, whose lock it holds until it is disposed.</summary>
internal readonly ref struct ReplyRoom(ReplyQueue queue, Span<byte> span)
{
    /// <summary>The memory.</summary>
    public Span<byte> Span { get; } = span;

    /// <summary>Adds the first bytes to the queue. At most once; nothing is added without.</summary>
    public void Commit(int length) => queue.Commit(length);

    public void Dispose() => queue.Lock.Exit();
}
