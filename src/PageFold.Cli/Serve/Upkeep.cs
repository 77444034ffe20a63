using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>What a server does for its disks in the background: gives the store what its cache holds, and compresses idle pages once more. One thread, at low priority.</summary>
internal sealed class Upkeep : IDisposable
{
    private static readonly TimeSpan MostBetween = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LeastBetween = TimeSpan.FromSeconds(1);

    // Less is not worth a walk.
    private const long FewFrames = 256;

    private readonly HostedDisks _disks;
    private readonly UpkeepOptions _options;
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _ending = new();
    private readonly Thread _thread;
    private WritebackStop _lastStop;

    public Upkeep(HostedDisks disks, UpkeepOptions options, Action<string> tell)
    {
        _disks = disks;
        _options = options;
        _tell = tell;
        _thread = new Thread(Run) { IsBackground = true, Name = "upkeep", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    public void Dispose()
    {
        _ending.Cancel();
        _thread.Join();
        _ending.Dispose();
    }

    private void Run()
    {
        TimeSpan between = TimeSpan.FromSeconds(Math.Clamp(Math.Min(_options.Idle.TotalSeconds, (_options.WritebackIdle ?? _options.Idle).TotalSeconds) / 4, LeastBetween.TotalSeconds, MostBetween.TotalSeconds));
        while (!_ending.Token.WaitHandle.WaitOne(between))
        {
            foreach (NbdExport export in _disks.Exports)
                Tend(export);
        }
    }

    private void Tend(NbdExport export)
    {
        try
        {
            export.Disk.Settle();
            if (_options.Recompress is { } codec)
                export.Disk.Store.Recompress(new RecompressionOptions { Codec = codec, MinAge = _options.Idle }, progress: null, _ending.Token);
            if (IsSparse(export.Disk.Store))
                export.Disk.Store.Compact(_ending.Token);
            if (_options.WritebackIdle is { } age)
                WriteBack(export, age);
        }
        catch (Exception e) when (e is MemoryLimitException or InsufficientMemoryException or InvalidOperationException or ArgumentException or PageCorruptException or IOException or UnauthorizedAccessException)
        {
            _tell($"upkeep: {e.Message.ReplaceLineEndings(" ")}");
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    /// <summary>True if compaction would give back more than a fiftieth of the frames; the store by itself compacts only what is much sparser, so as not to move what is about to change.</summary>
    private static bool IsSparse(PageStore store)
    {
        IReadOnlyList<SizeClassStatistics> classes = store.GetStatistics().Classes;
        return classes.Sum(sizeClass => sizeClass.ReclaimableFrames) > Math.Max(FewFrames, classes.Sum(sizeClass => sizeClass.Frames) / 50);
    }

    private void WriteBack(NbdExport export, TimeSpan age)
    {
        WritebackResult result = export.Disk.Store.WriteBack(new WritebackSelection { MinAge = age }, progress: null, _ending.Token);
        // Said once, until something else comes of it.
        if (result.Stopped != _lastStop && result.Stopped is not (WritebackStop.Finished or WritebackStop.Cancelled))
            _tell($"writing idle pages back has stopped: {result.Error?.Message ?? result.Stopped.ToString()}; they stay in memory");
        _lastStop = result.Stopped;
    }
}
