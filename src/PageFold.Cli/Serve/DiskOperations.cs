using System.Globalization;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>What can be asked of the disks while they are served. Thread-safe; what changes a store runs beside its clients.</summary>
/// <param name="disks">The disks.</param>
/// <param name="options">What each was asked for, by name.</param>
internal sealed class DiskOperations(HostedDisks disks, IReadOnlyList<ExportOptions> options)
{
    private const int LinesPerReply = 4096;

    private readonly DiskRecompression _recompression = new(disks);

    /// <summary>Carries a request out and returns the last line of the answer; what is refused is told in it.</summary>
    public ControlReply Execute(ControlRequest request, ControlReplies client, CancellationToken cancellation)
    {
        try
        {
            if (request.Command == "stat")
                return new ControlReply { Report = disks.Report(request.Export) };
            NbdExport export = disks.Find(request.Export);
            ControlProgress progress = new(client, SnapshotStream.Patience);
            return request.Command switch
            {
                "pages" => Pages(export.Disk, request, client, cancellation),
                "snapshot" => SaveSnapshot(export, request, client, progress, cancellation),
                "compact" => Compact(export.Disk, cancellation),
                "recompress" => _recompression.Run(export, request, progress, cancellation),
                "writeback" => WriteBack(export.Disk, request, progress, cancellation),
                _ => throw new UserErrorException(
                    $"there is no command '{request.Command}'; this server and the command that asks are of different versions."),
            };
        }
        catch (OperationCanceledException)
        {
            return Refusal(
                request.Command switch
                {
                    "snapshot" => "cancelled; no file was made, and one that was there is as it was.",
                    "pages" => "cancelled; the list is not complete.",
                    _ => "cancelled; what was done so far stays done.",
                },
                ExitCodes.Interrupted);
        }
        catch (UserErrorException e)
        {
            return Refusal(e.Message, ExitCodes.BadInput);
        }
        catch (Exception e) when (e is MemoryLimitException or InsufficientMemoryException)
        {
            return Refusal(OptionNames.RenameOfServer(e), ExitCodes.LimitReached);
        }
        catch (Exception e) when (e is ArgumentException or ArithmeticException or InvalidOperationException or IOException
            or UnauthorizedAccessException or NotSupportedException)
        {
            return Refusal(OptionNames.RenameOfServer(e), ExitCodes.BadInput);
        }
        catch (PageCorruptException e)
        {
            return Refusal(e.Message, ExitCodes.Failure);
        }
    }

    /// <summary>The last line of the answer to what is refused.</summary>
    public static ControlReply Refusal(string message, int exitCode) =>
        new() { Error = message.ReplaceLineEndings(" "), ExitCode = exitCode };

    /// <summary>The last line of the answer to what was done.</summary>
    public static ControlReply Result(params (string Name, double Value)[] figures) =>
        new() { Result = figures.ToDictionary(figure => figure.Name, figure => figure.Value) };

    private ControlReply SaveSnapshot(
        NbdExport export, ControlRequest request, ControlReplies client, IProgress<double> progress, CancellationToken cancellation)
    {
        if (request.HeldMark is { } mark)
            RefuseHeld(export, mark, request.Raw);
        using SnapshotStream output = new(client, SnapshotStream.Patience);
        SnapshotResult result = export.Disk.Save(output, request.Raw ? null : export.Name, progress, cancellation);
        return Result(
            ("pages", result.Pages), ("bytes", result.StoredBytes), ("fileBytes", result.FileBytes),
                ("pagesSavedByWriters", result.PagesSavedByWriters), ("seconds", result.Duration.TotalSeconds));
    }

    /// <summary>Refuses a file in which a server keeps a disk, except for a snapshot of that very disk.</summary>
    private void RefuseHeld(NbdExport export, string mark, bool raw)
    {
        string? kept = options.First(option => option.Name == export.Name).Keep;
        if (kept is null || KeptFiles.IdentityOf(KeptFiles.MarkOf(kept)) != mark)
            throw new UserErrorException(
                "the file is where another disk that is being served is kept, which would replace it in the end; choose another file.");
        if (raw)
            throw new UserErrorException(
                "the file is where this disk is kept, which could not go on with a raw image; choose another file, or leave --raw out.");
    }

    private static ControlReply Compact(RamDisk disk, CancellationToken cancellation)
    {
        disk.Flush();
        CompactionResult result = disk.Store.Compact(cancellation);
        ResidentMemory.GiveBack();
        cancellation.ThrowIfCancellationRequested();
        return Result(("framesFreed", result.FramesFreed), ("bytesMoved", result.BytesMoved),
            ("totalBytes", disk.Store.GetStatistics().TotalBytes));
    }

    private ControlReply WriteBack(RamDisk disk, ControlRequest request, IProgress<double> progress, CancellationToken cancellation)
    {
        if (!disks.HaveWriteback)
            throw new UserErrorException("this server has no writeback file; serve with --writeback FILE.");
        disk.Flush();
        WritebackResult result = disk.Store.WriteBack(
            new WritebackSelection
            {
                MinAge = request.IdleSeconds is { } idle ? TimeSpan.FromSeconds(idle) : null,
                OnlyIncompressible = request.OnlyIncompressible,
                MaxBytes = request.MaxBytes,
            },
            progress,
            cancellation);
        if (result.Stopped == WritebackStop.Cancelled)
            throw new OperationCanceledException(cancellation);
        if (result.Stopped == WritebackStop.IOError)
            throw new IOException($"writing back failed after {result.Pages} pages, the others are in memory as before: "
                + $"{result.Error?.Message}", result.Error);
        PageStoreStatistics statistics = disk.Store.GetStatistics();
        return Result(
            ("pagesWrittenBack", result.Pages), ("bytesWrittenBack", result.Bytes), ("pagesSkipped", result.Skipped),
                ("fileBytesWritten", result.FileBytesWritten),
            ("fileBytes", statistics.WritebackFileBytes), ("totalBytes", statistics.TotalBytes)) with { Note = NoteOf(result.Stopped) };
    }

    private static string? NoteOf(WritebackStop stopped) => stopped switch
    {
        WritebackStop.DailyBudget => "ended early: the day's budget of writes is used up",
        WritebackStop.FileFull => "ended early: the writeback file is full of pages that are needed",
        WritebackStop.NoMemory => "ended early: no memory to note one more part of the file",
        WritebackStop.MaxBytes => "ended early: as many bytes as were asked for have left memory",
        _ => null,
    };

    private static ControlReply Pages(RamDisk disk, ControlRequest request, ControlReplies client, CancellationToken cancellation)
    {
        long from = request.From ?? 0;
        long left = request.Count ?? long.MaxValue;
        long told = 0;
        List<string> lines = [];
        Dictionary<int, string> codecs = NamesOf(disk);
        while (left > 0 && from <= PageStore.MaxPage && disk.Store.TryFindNext(from, out long page))
        {
            cancellation.ThrowIfCancellationRequested();
            if (disk.Store.TryGetPageInfo(page, out PageInfo info))
            {
                // A codec may have come meanwhile.
                if (!codecs.ContainsKey(info.Codec))
                    codecs = NamesOf(disk);
                lines.Add(Describe(disk, page, info, codecs));
                left--;
                told++;
            }
            from = page + 1;
            if (lines.Count < LinesPerReply)
                continue;
            client.Tell(new ControlReply { Lines = lines });
            lines = [];
        }
        if (lines.Count > 0)
            client.Tell(new ControlReply { Lines = lines });
        return Result(("pages", told));
    }

    private static Dictionary<int, string> NamesOf(RamDisk disk) => disk.Store.Codecs.ToDictionary(use => use.Number, CodecNames.Of);

    // Columns: page, offset, state, stored bytes, codec, settled, age in seconds.
    private static string Describe(RamDisk disk, long page, PageInfo info, Dictionary<int, string> codecs)
    {
        bool compressed = info.State is not (PageState.SameFilled or PageState.Incompressible) && info.StoredBytes != disk.PageSize;
        string codec = compressed ? codecs.GetValueOrDefault(info.Codec, string.Empty) : string.Empty;
        int settled = info.WithoutGain ? 1 : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{page},{page * disk.PageSize},{StateName(info.State)},{info.StoredBytes},{codec},{settled},{info.Age?.TotalSeconds:0}");
    }

    private static string StateName(PageState state) => state switch
    {
        PageState.SameFilled => "same-filled",
        PageState.WrittenBack => "written-back",
        _ => state.ToString().ToLowerInvariant(),
    };
}
