namespace PageFold.Cli.Serve;

/// <summary>Tells a client how far its work is: at once, and not more than a hundred times.</summary>
/// <remarks>
/// A client that takes nothing is given up here as it is where it takes a snapshot: the work that tells may have the disk's writers
/// waiting.
/// </remarks>
/// <param name="client">The client.</param>
/// <param name="patience">How long it may take nothing.</param>
internal sealed class ControlProgress(ControlReplies client, TimeSpan patience) : IProgress<double>
{
    private double _told;

    /// <inheritdoc/>
    /// <exception cref="IOException">The client takes nothing.</exception>
    public void Report(double value)
    {
        if (value < _told + 0.01 && value < 1)
            return;
        _told = value;
        client.Tell(new ControlReply { Progress = value }, [], patience);
    }
}
