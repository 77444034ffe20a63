using System.Diagnostics;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>
/// Background work on the disks, on one thread of low priority: flushes caches, and recompresses and writes back idle pages.
/// </summary>
internal sealed class Upkeep : IDisposable
{
    private static readonly TimeSpan MaxBetween = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinBetween = TimeSpan.FromSeconds(1);

    private const string Reserve = "reserve";
    private const string WritingBack = "writeback";
    private const string Space = "space";

    // Less is not worth a walk.
    private const long FewFrames = 256;

    private readonly HostedDisks _disks;
    private readonly UpkeepOptions _options;
    private readonly Action<string> _tell;
    private readonly TimeSpan _idle;
    private readonly CancellationTokenSource _ending = new();
    private readonly Thread _thread;
    private readonly Dictionary<(NbdExport, string), string> _told = [];
    // Held while space is looked at, which others than the thread may have done, at the end.
    private readonly Lock _watching = new();
    private readonly HashSet<NbdExport> _nearlyFull = [];
    private readonly Dictionary<NbdExport, long> _refused = [];
    private readonly Dictionary<NbdExport, string> _kept = [];
    private readonly KeptRoom _room;

    public Upkeep(HostedDisks disks, ServeOptions options, Action<string> tell)
    {
        _disks = disks;
        _options = options.Upkeep;
        _tell = tell;
        _idle = _options.Idle ?? UpkeepOptions.DefaultIdle;
        foreach ((ExportOptions export, NbdExport hosted) in options.Exports.Zip(disks.Exports))
        {
            if (export.Keep is { } path)
                _kept[hosted] = path;
        }
        _room = new KeptRoom(tell, KeptRoom.RoomAt);
        _thread = new Thread(Run) { IsBackground = true, Name = "upkeep", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    /// <summary>Looks at the space now, and tells of it what was not told yet. Thread-safe.</summary>
    public void TellOfSpace()
    {
        foreach (NbdExport export in _disks.Exports)
            WatchSpace(export);
    }

    /// <summary>Ends what is going on and waits for that. A second time it does nothing.</summary>
    public void Dispose()
    {
        if (_ending.IsCancellationRequested)
            return;
        _ending.Cancel();
        _thread.Join();
    }

    private void Run()
    {
        double quarter = Math.Min(_idle.TotalSeconds, (_options.WritebackIdle ?? _idle).TotalSeconds) / 4;
        TimeSpan between = TimeSpan.FromSeconds(Math.Clamp(quarter, MinBetween.TotalSeconds, MaxBetween.TotalSeconds));
        long tended = Stopwatch.GetTimestamp();
        while (!_ending.Token.WaitHandle.WaitOne(MinBetween))
        {
            // More often than the rest: a disk may be filled within seconds.
            foreach (NbdExport export in _disks.Exports)
                Try(export, Space, () => WatchSpace(export));
            if (Stopwatch.GetElapsedTime(tended) < between)
                continue;
            foreach (NbdExport export in _disks.Exports)
                Tend(export);
            tended = Stopwatch.GetTimestamp();
        }
    }

    private void Tend(NbdExport export)
    {
        PageStore store = export.Disk.Store;
        Try(export, "flush", () => export.Disk.Flush());
        Try(export, Reserve, () => KeepReserve(export));
        if (_kept.TryGetValue(export, out string? kept))
            Try(export, "keep", () => _room.Look(export, kept));
        if (_options.Recompress is { } codec)
            Try(export, "recompress", () => Recompress(store, _disks.Latest(export, codec)));
        if (_options.WritebackIdle is { } age)
            Try(export, WritingBack, () => WriteBack(export, age));
        if (IsSparse(store))
            Try(export, "compact", () => store.Compact(_ending.Token));
    }

    private void Recompress(PageStore store, PageCodec codec) =>
        store.Recompress(new RecompressionOptions { Codec = codec, MinAge = _idle, RetireOthers = true }, progress: null, _ending.Token);

    /// <summary>What one step meets must not keep the others from being taken; they may be what gives memory back.</summary>
    private void Try(NbdExport export, string name, Action step)
    {
        try
        {
            step();
        }
#pragma warning disable CA1031 // On a thread of its own whatever is not caught ends the process, and with it the disk.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            Tell(export, name, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    /// <summary>Says what a step of an export's upkeep has met, once, until it is something else.</summary>
    private void Tell(NbdExport export, string step, string what)
    {
        if (_told.TryGetValue((export, step), out string? before) && before == what)
            return;
        _told[(export, step)] = what;
        _tell($"upkeep{(export.Name.Length > 0 ? $" of '{export.Name}'" : string.Empty)}: {what.ReplaceLineEndings(" ")}");
    }

    /// <summary>True if compaction would free more than a fiftieth of the frames.</summary>
    /// <remarks>The store by itself compacts only much sparser classes, so as not to move pages that are about to change.</remarks>
    private static bool IsSparse(PageStore store)
    {
        IReadOnlyList<SizeClassStatistics> classes = store.GetStatistics().Classes;
        return classes.Sum(sizeClass => sizeClass.ReclaimableFrames) > Math.Max(FewFrames, classes.Sum(sizeClass => sizeClass.Frames) / 50);
    }

    /// <summary>What is kept aside for the last snapshot was lent to a restoration, or could not be had at once.</summary>
    private void KeepReserve(NbdExport export)
    {
        if (!export.Disk.TryKeepReserve())
            Tell(export, Reserve, "there is no memory to set aside for the snapshot at the end, which may fail; trim, or recompress with "
                + "a denser codec and compact");
    }

    /// <summary>Warns when little is left, once until that was better, and tells of writes that were refused.</summary>
    private void WatchSpace(NbdExport export)
    {
        using Lock.Scope watching = _watching.EnterScope();
        PageStoreStatistics statistics = export.Disk.Store.GetStatistics();
        string name = export.Name.Length > 0 ? $"'{export.Name}'" : "the disk";
        string more = _disks.HaveWriteback ? "write pages back, or recompress" : "or recompress";
        if (!DiskReport.IsAlmostFull(export.Disk, statistics))
            _nearlyFull.Remove(export);
        else if (DiskReport.IsTrainingInTheWay(statistics))
            Tell(
                export, "training", "a training holds memory until it has ended, and less than an eighth of the memory limit is left "
                + "meanwhile; writes are refused (ENOSPC) once that is used up");
        else if (_nearlyFull.Add(export))
            _tell(
                $"{name}: less than an eighth of the memory limit is left, and writes are refused (ENOSPC) once it is used up; trim, "
                + $"compact, {more}");
        long refused = export.OutOfSpaceErrors;
        if (refused > _refused.GetValueOrDefault(export))
            _tell(
                $"{name}: {refused} writes were refused (ENOSPC) so far, because memory is short; trim, compact, {more}, "
                + "or serve the disk with a higher --memory-limit");
        _refused[export] = refused;
    }

    private void WriteBack(NbdExport export, TimeSpan age)
    {
        WritebackResult result = export.Disk.Store.WriteBack(new WritebackSelection { MinAge = age }, progress: null, _ending.Token);
        if (result.Stopped is not (WritebackStop.Finished or WritebackStop.Cancelled))
        {
            string why = result.Error?.Message ?? result.Stopped.ToString();
            Tell(export, WritingBack, $"idle pages cannot be written back now ({why}); they stay in memory, and the server tries again");
        }
    }
}
