namespace PageFold.Store;

/// <summary>How far somebody has come who goes through the pages in ascending order.</summary>
internal struct PageWalk(long pages, IProgress<double>? progress)
{
    private const long Step = 1024;

    private long _reported;

    /// <summary>The first page not looked at yet.</summary>
    public long From { get; set; }

    /// <summary>Stored pages looked at.</summary>
    public long Passed { get; set; }

    public void Report()
    {
        if (progress is null || Passed - _reported < Step)
            return;
        _reported = Passed;
        progress.Report(Math.Min(1, (double)Passed / Math.Max(1, pages)));
    }
}
