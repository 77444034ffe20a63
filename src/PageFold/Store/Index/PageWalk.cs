namespace PageFold.Store.Index;

/// <summary>Position of a walk over the page numbers, in ascending order, and the report of its progress.</summary>
internal struct PageWalk(long pages, IProgress<double>? progress)
{
    private const long Step = 1024;

    private long _reported;

    /// <summary>The first page that was not examined yet.</summary>
    public long From { get; set; }

    /// <summary>Stored pages that were examined.</summary>
    public long Passed { get; set; }

    public void Report()
    {
        if (progress is null || Passed - _reported < Step)
            return;
        _reported = Passed;
        progress.Report(Math.Min(1, (double)Passed / Math.Max(1, pages)));
    }
}
