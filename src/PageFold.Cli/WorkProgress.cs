namespace PageFold.Cli;

/// <summary>The progress of a long task.</summary>
/// <remarks>Written by the workers, read by the display; thread-safe.</remarks>
internal sealed class WorkProgress
{
    private Step _step = new("Preparing", 1);
    private long _done;

    public string Name => _step.Name;

    public double Share => StepNumber == 0 ? 0 : Math.Min(1, (double)Volatile.Read(ref _done) / Math.Max(1, _step.Total));

    public int StepNumber { get; private set; }

    public void Begin(string name, long total)
    {
        Volatile.Write(ref _done, 0);
        _step = new Step(name, total);
        StepNumber++;
    }

    public void Add(long done) => Interlocked.Add(ref _done, done);

    private sealed record Step(string Name, long Total);
}
