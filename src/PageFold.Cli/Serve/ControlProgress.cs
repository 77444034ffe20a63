namespace PageFold.Cli.Serve;

/// <summary>Tells a client how far its work is: at once, and not more than a hundred times.</summary>
/// <remarks>
/// A client that takes nothing is given up here as it is where it takes a snapshot: the work that tells may have the disk's writers
/// waiting.
/// </remarks>
/// <param name="client">The client.</param>
/// <param name="patience">How long it may take nothing.</param>
/// <param name="step">What the work is doing; null for what the command is called by.</param>
internal sealed class ControlProgress(ControlReplies client, TimeSpan patience, string? step = null) : IProgress<double>
{
    private double _told;

    /// <inheritdoc/>
    /// <exception cref="IOException">The client takes nothing.</exception>
    public void Report(double value)
    {
        if (value < _told + 0.01 && value < 1)
            return;
        _told = value;
        client.Tell(new ControlReply { Progress = value, Step = step }, [], patience);
    }

    /// <summary>Begins a step of the work, of which the share is told from now on.</summary>
    public ControlProgress Begin(string name)
    {
        ControlProgress begun = new(client, patience, name);
        client.Tell(new ControlReply { Progress = 0, Step = name }, [], patience);
        return begun;
    }
}
