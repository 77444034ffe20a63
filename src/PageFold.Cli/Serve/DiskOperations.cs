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
    private const string DefaultCodec = CodecNames.FoldDense;

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
                "recompress" => Recompress(export, request, progress, cancellation),
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
            return Refusal(OptionNames.Rename(e), ExitCodes.LimitReached);
        }
        catch (Exception e) when (e is ArgumentException or ArithmeticException or InvalidOperationException or IOException
            or UnauthorizedAccessException or NotSupportedException)
        {
            return Refusal(OptionNames.Rename(e), ExitCodes.BadInput);
        }
        catch (PageCorruptException e)
        {
            return Refusal(e.Message, ExitCodes.Failure);
        }
    }

    private static ControlReply Refusal(string message, int exitCode) =>
        new() { Error = message.ReplaceLineEndings(" "), ExitCode = exitCode };

    private static ControlReply Result(params (string Name, double Value)[] figures) =>
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

    private ControlReply Recompress(
        NbdExport export, ControlRequest request, ControlProgress progress, CancellationToken cancellation)
    {
        RamDisk disk = export.Disk;
        disk.Flush();
        NamedCodec named = CodecNames.Denser("--codec", request.Codec ?? DefaultCodec);
        string? untrained = null;
        PageCodec? trained = request.TrainBytes is { } bytes ? Train(disk, named, bytes, progress, cancellation, out untrained) : null;
        PageCodec codec = trained ?? disks.Latest(export, named);
        RecompressionResult result = disk.Store.Recompress(
            new RecompressionOptions
            {
                Codec = codec,
                MinAge = request.IdleSeconds is { } idle ? TimeSpan.FromSeconds(idle) : null,
                OnlyIncompressible = request.OnlyIncompressible,
                MinStoredBytes = request.MinStoredBytes ?? 0,
                MaxPages = request.Count,
                // What gained nothing with the dictionary before may gain with this one.
                RetryWithoutGain = trained is not null || request.Retry,
                RetireOthers = true,
            },
            progress,
            cancellation);
        if (trained is not null)
            disks.NoteTrained(export, named, trained);
        cancellation.ThrowIfCancellationRequested();
        if (request.ForWrites)
            disk.Store.UseCodec(codec);
        // Pages that shrink leave room between others, and training and a codec that is no longer used leave much.
        if (result.Recompressed + result.Moved > 0)
            disk.Store.Compact(cancellation);
        ResidentMemory.GiveBack();
        return Result(
            ("pagesExamined", result.Examined), ("pagesRecompressed", result.Recompressed), ("pagesWithoutGain", result.WithoutGain),
                ("pagesSkipped", result.Skipped),
            ("pagesMoved", result.Moved), ("pagesNotMoved", result.NotMoved), ("codecsRetired", result.CodecsRetired),
            ("bytesBefore", result.BytesBefore), ("bytesAfter", result.BytesAfter), ("totalBytes", disk.Store.GetStatistics().TotalBytes))
            with { Note = NoteOf(result, request.ForWrites ? named : null, untrained) };
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

    private static string? NoteOf(RecompressionResult result, NamedCodec? forWrites, string? untrained)
    {
        string? idle = result.Examined > 0 ? null
            : "there was nothing to recompress: pages that have this codec already, gained nothing before (--retry), hold one repeated "
                + "word or are written back stay as they are, as do those that --idle, --incompressible and --at-least leave out";
        if (result.NotMoved > 0)
            idle = $"{result.NotMoved} pages of a codec that is to be retired were in use, or found no memory, and were not moved; "
                + "the next run goes on with them";
        string? grown = result.BytesAfter <= result.BytesBefore ? null
            : $"what is stored has grown by {ByteSize.Format(result.BytesAfter - result.BytesBefore)}: {result.Moved} pages of a codec "
                + "that was retired take more with another, since a disk knows four codecs at a time";
        string? writes = forWrites is null ? null : $"new writes use {forWrites.Name} from now on";
        string notes = string.Join("; ", ((string?[])[untrained, idle, grown, writes]).OfType<string>());
        return notes.Length > 0 ? notes : null;
    }

    private static string? NoteOf(WritebackStop stopped) => stopped switch
    {
        WritebackStop.DailyBudget => "ended early: the day's budget of writes is used up",
        WritebackStop.FileFull => "ended early: the writeback file is full of pages that are needed",
        WritebackStop.NoMemory => "ended early: no memory to note one more part of the file",
        WritebackStop.MaxBytes => "ended early: as many bytes as were asked for have left memory",
        _ => null,
    };

    /// <summary>Trains a dictionary of Zstandard, or tables of Fold; null, and why, if tables would gain too little.</summary>
    private static PageCodec? Train(
        RamDisk disk, NamedCodec codec, int bytes, ControlProgress progress, CancellationToken cancellation, out string? untrained)
    {
        untrained = null;
        try
        {
            if (codec.Level is { } level)
            {
                progress.Begin("Training a dictionary");
                byte[] dictionary = disk.Store.TrainDictionary(bytes, level, cancellation)
                    ?? throw new UserErrorException(
                        "--train: too few pages are stored, or they have too little in common; store more, or leave the option out.");
                return PageCodec.Zstd(level, dictionary);
            }
            FoldLevel foldLevel = codec.Name switch
            {
                CodecNames.Fold => FoldLevel.Fast,
                CodecNames.FoldDense => FoldLevel.Dense,
                _ => throw new UserErrorException(
                    $"--train goes with --codec {CodecNames.FoldDense}, {CodecNames.Fold} and zstd only; {codec.Name} has neither tables "
                    + "nor dictionaries."),
            };
            byte[]? tables = disk.Store.TrainFoldTables(
                foldLevel, bytes, progress: progress.Begin("Training tables"), cancellationToken: cancellation);
            untrained = tables is not null ? null
                : "nothing was trained: there are fewer than 64 pages, or tables of their own would make them less than 2 % smaller than "
                    + "those in use, which were used; a server with more memory left trains on more pages";
            return tables is null ? null : PageCodec.Fold(foldLevel, tables);
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"--train {bytes} is not possible: {OptionNames.Rename(e)}", e);
        }
    }

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
