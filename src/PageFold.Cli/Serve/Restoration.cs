using PageFold.Interop;
using System.Globalization;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>Disks that begin with a snapshot's content, and leave one at the end.</summary>
internal static class Restoration
{
    /// <summary>Refuses what cannot be meant, before anything is opened.</summary>
    public static void Check(ServeOptions options)
    {
        foreach (ExportOptions export in options.Exports)
        {
            if (export is { Keep: not null, Restore: not null } && export.Keep != export.Restore)
                throw new UserErrorException(
                    $"--restore {export.Restore} and --keep {export.Keep} are two beginnings; with --restore a copy is begun with, with "
                    + $"--keep the file itself goes on.");
        }
        if (options.Exports.Where(export => export.Keep is not null).GroupBy(export => Path.GetFullPath(export.Keep!))
            .FirstOrDefault(group => group.Count() > 1) is { } shared)
            throw new UserErrorException(
                $"--keep {shared.Key} belongs to several exports, and one would replace what the other leaves; give each a file of its "
                + $"own.");
        foreach (ExportOptions export in options.Exports)
        {
            if (export.Restore is { } restore)
                ServedFile.CheckSource(restore);
            if (export.Keep is { } keep)
                CheckTarget(keep, options);
            if (options.WritebackOf(export) is { Length: > 0 } writeback)
                CheckWriteback(writeback, options);
        }
    }

    /// <summary>Reads from the snapshots what the options leave open: the disks' sizes and the page size.</summary>
    /// <remarks>Every snapshot is checked before anything is created.</remarks>
    public static ServeOptions Complete(ServeOptions options)
    {
        List<ExportOptions> exports = [];
        int? pageSize = options.PageSize;
        string? saidBy = null;
        foreach (ExportOptions export in options.Exports)
        {
            if (SourceOf(export) is not { } path)
            {
                exports.Add(export);
                continue;
            }
            SnapshotInfo info = Refusing(export, path, () => Snapshot.ReadInfo(path));
            if (pageSize is { } chosen && chosen != info.PageSize)
                throw new UserErrorException(
                    $"{OptionOf(export)} {path} has pages of {ByteSize.Format(info.PageSize)}, and {saidBy ?? "--page-size"} says "
                        + $"{ByteSize.Format(chosen)}; serve it with --page-size {info.PageSize}.");
            if (export.Size is null && info.Length == 0)
                throw new UserErrorException(
                    $"{OptionOf(export)} {path} was saved by a store and says no length of a disk; say it with --size.");
            if (options.SwapRatio is not null && export.Size < info.Length)
                throw new UserErrorException(
                    $"{OptionOf(export)} {path} is of a disk of {ByteSize.Format(info.Length)}, larger than the "
                    + $"{ByteSize.Format(export.Size.Value)} that --swap gives; raise --memory-limit or the ratio, or write --size "
                    + $"{info.Length} instead of --swap.");
            if (export.Size < info.Length)
                throw new UserErrorException(
                    $"{OptionOf(export)} {path} is of a disk of {ByteSize.Format(info.Length)}, larger than --size "
                        + $"{ByteSize.Format(export.Size.Value)}; leave --size out, or choose at least {info.Length}.");
            pageSize = info.PageSize;
            saidBy ??= $"'{path}'";
            exports.Add(export with { Size = export.Size ?? info.Length });
        }
        return options with { Exports = exports, PageSize = pageSize };
    }

    /// <summary>Loads the snapshots, with progress; says which disks that are kept have none yet.</summary>
    public static void Load(ServeOptions options, HostedDisks disks, Action<string> tell, CancellationToken stop)
    {
        foreach ((ExportOptions export, NbdExport hosted) in options.Exports.Zip(disks.Exports))
        {
            if (SourceOf(export) is not { } path)
            {
                if (export.Keep is { } later)
                    tell($"{later} is not there yet: the disk begins empty, and is saved there when this command ends in an orderly way "
                        + $"(SIGTERM or Ctrl-C)");
                continue;
            }
            const int Whole = 10_000;
            WorkProgress progress = new();
            Refusing(export, path, () => ProgressView.Watch(progress, () =>
            {
                long told = 0;
                progress.Begin($"Restoring {path}", Whole);
                return hosted.Disk.Load(path, new Steps(share =>
                {
                    long now = (long)(share * Whole);
                    progress.Add(now - told);
                    told = now;
                }), stop);
            }));
        }
    }

    /// <summary>Saves the disks that are to be kept; false if one could not be.</summary>
    public static bool Keep(ServeOptions options, HostedDisks disks, Action<string> tell)
    {
        bool all = true;
        foreach ((ExportOptions export, NbdExport hosted) in options.Exports.Zip(disks.Exports))
        {
            if (export.Keep is not { } path)
                continue;
            try
            {
                hosted.Disk.ReleaseReserve();
                Save(hosted, path, tell);
            }
            catch (Exception e) when (PreventsSaving(e))
            {
                all = false;
                string reason = e.Message.ReplaceLineEndings(" ");
                if ((e is IOException or UnauthorizedAccessException) && TryRescue(hosted, path, reason, tell))
                    continue;
                tell($"--keep {path} could NOT be saved, and what was written since it was saved last is lost; "
                    + $"{(File.Exists(path) ? "the file that was there is as it was" : "there is no file of that name")}: {reason}");
            }
        }
        return all;
    }

    private static void Save(NbdExport hosted, string path, Action<string> tell)
    {
        tell($"saving {path}");
        SnapshotResult result = hosted.Disk.SaveSnapshot(path, hosted.Name);
        tell($"saved {path}: {ByteSize.Format(result.FileBytes)} in {Figures.Of(result.Duration.TotalSeconds, "0.0")} s");
    }

    /// <summary>Saves a disk beside a file that cannot be replaced: one that is a mount of its own, or belongs to another user.</summary>
    private static bool TryRescue(NbdExport hosted, string path, string reason, Action<string> tell)
    {
        tell($"--keep {path} could NOT be saved: {reason}");
        // A short name, since that may be what was wrong.
        string stem = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!,
            $"pagefold-rescued-{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}");
        string beside = stem;
        for (int number = 2; Path.Exists(beside); number++)
            beside = $"{stem}-{number}";
        try
        {
            Save(hosted, beside, tell);
            tell($"the disk as it was at the end is in {beside}; move it to where it can be kept");
            return true;
        }
        catch (Exception e) when (PreventsSaving(e))
        {
            tell($"{beside} could not be saved either: {e.Message.ReplaceLineEndings(" ")}");
            return false;
        }
    }

    private static bool PreventsSaving(Exception e) => e is IOException or UnauthorizedAccessException or MemoryLimitException
        or InvalidOperationException or PageCorruptException or NotSupportedException;

    private static string? SourceOf(ExportOptions export) =>
        export.Restore ?? (export.Keep is { } keep && File.Exists(ResolvedFile.Of(keep)) ? keep : null);

    private static string OptionOf(ExportOptions export) => export.Restore is not null ? "--restore" : "--keep";

    private static void CheckTarget(string path, ServeOptions options)
    {
        KeptFiles.RefuseReserved($"--keep {path}", path);
        ServedFile.CheckKept(path);
        // At the end it would be replaced, or be in the way at the next beginning.
        if (OptionThatNames(path, options) is { } other)
            throw new UserErrorException($"--keep {path} is what {other} names too; give each a file of its own.");
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new UserErrorException($"--keep {path} is a folder; name a file in it.");
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new UserErrorException($"--keep {path} lies in a folder that does not exist; make the folder, or choose another file.");
        if (OptionThatNames(full + KeptFiles.Suffix, options) is { } marked)
            throw new UserErrorException(
                $"--keep {path} needs {full + KeptFiles.Suffix} for itself, which {marked} names; give each a file of its own.");
    }

    private static void CheckWriteback(string path, ServeOptions options)
    {
        ServedFile.CheckWriteback(path);
        // It is made before the sockets, and would be in their way.
        if (SocketThatNames(path, options) is { } other)
            throw new UserErrorException($"--writeback {path} is what {other} names too; give each a file of its own.");
    }

    private static string? SocketThatNames(string path, ServeOptions options) => options.ListensAt(path) ? "--unix"
        : IsSame(options.Control, path) ? "--control"
        : null;

    private static string? OptionThatNames(string path, ServeOptions options) => SocketThatNames(path, options)
        ?? (options.Exports.Any(export => IsSame(options.WritebackOf(export), path)) ? "--writeback" : null);

    private static bool IsSame(string? one, string other) => one is not null && Path.GetFullPath(one) == Path.GetFullPath(other);

    private static T Refusing<T>(ExportOptions export, string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (MemoryLimitException e)
        {
            throw new UserErrorException($"{OptionOf(export)} {path} cannot be restored: {OptionNames.RenameForRemedy(e)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{OptionOf(export)} {path} cannot be restored ({e.Message.TrimEnd('.')}); name a snapshot that is there and whole.", e);
        }
    }

    /// <summary>Tells at once, on the thread that works.</summary>
    private sealed class Steps(Action<double> told) : IProgress<double>
    {
        public void Report(double value) => told(value);
    }
}
