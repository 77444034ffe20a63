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

/// <summary>A step of which the share that is done is told, 0 to 1. One thread at a time reports.</summary>
internal sealed class ShareProgress : IProgress<double>
{
    private const int Whole = 10_000;

    private readonly WorkProgress _progress;
    private long _told;

    private ShareProgress(WorkProgress progress) => _progress = progress;

    /// <summary>Begins a step of the work.</summary>
    public static ShareProgress Begin(WorkProgress progress, string name)
    {
        progress.Begin(name, Whole);
        return new ShareProgress(progress);
    }

    /// <summary>Reports the share; a smaller one than before counts as that.</summary>
    public void Report(double value)
    {
        long now = Math.Max(_told, (long)(value * Whole));
        _progress.Add(now - _told);
        _told = now;
    }
}
