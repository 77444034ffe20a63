namespace PageFold.Cli.Serve;

/// <summary>
/// Sends a snapshot to the command that asked for it, which writes it where the user said. So a file's name means what it means to the
/// user, and is opened with the user's rights; the server opens nothing.
/// </summary>
/// <remarks>
/// The bytes go through the control socket, and no descriptor is passed: one path serves files, pipes and terminals on every system, a
/// descriptor that blocks cannot hold up the server, and a client that takes nothing is left after <see cref="Patience"/>, so that it
/// cannot keep the disk's writers waiting. Being complete is up to the client: it learns of that by the last reply.
/// </remarks>
internal sealed class SnapshotStream(ControlReplies client, TimeSpan patience) : SnapshotOutput
{
    /// <summary>How long a client may take nothing. Writes of the disk's clients may wait for so long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public override void Begin(long length) => client.Tell(new ControlReply { Length = length }, [], patience);

    public override void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            ReadOnlySpan<byte> part = bytes[..Math.Min(bytes.Length, ControlReply.MaxDataBytes)];
            client.Tell(new ControlReply { Offset = offset, DataBytes = part.Length }, part, patience);
            bytes = bytes[part.Length..];
            offset += part.Length;
        }
    }

    public override void Complete(CancellationToken cancellationToken) => cancellationToken.ThrowIfCancellationRequested();

    protected override void Dispose(bool disposing)
    {
        // The connection is the server's.
    }
}
