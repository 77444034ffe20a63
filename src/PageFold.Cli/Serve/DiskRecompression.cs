using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>Compresses pages of a served disk once more, with tables or a dictionary trained on them first if that is asked for.</summary>
internal sealed class DiskRecompression(HostedDisks disks)
{
    private const string DefaultCodec = CodecNames.FoldDense;

    // What the library takes as enough.
    private const double LeastGain = 0.02;

    /// <summary>Runs <c>pagefold recompress</c> and returns the last line of the answer.</summary>
    public ControlReply Run(NbdExport export, ControlRequest request, ControlProgress progress, CancellationToken cancellation)
    {
        RamDisk disk = export.Disk;
        NamedCodec named = CodecNames.Denser("--codec", request.Codec ?? DefaultCodec);
        Training? training = null;
        if (request.TrainBytes is { } bytes)
        {
            RefuseUntrainable(named, bytes);
            disk.Flush();
            try
            {
                // Looked at first: training takes seconds.
                training = HasWork(disk.Store, request) ? Train(disk, named, bytes, progress, cancellation)
                    : new Training(null, "no page meets the conditions");
                cancellation.ThrowIfCancellationRequested();
            }
            catch (OperationCanceledException)
            {
                return DiskOperations.Refusal("cancelled during the training; nothing has changed.", ExitCodes.Interrupted);
            }
        }
        disk.Flush();
        PageCodec codec = training?.Codec ?? disks.Latest(export, named);
        RecompressionResult result = disk.Store.Recompress(
            new RecompressionOptions
            {
                Codec = codec,
                MinAge = Age(request),
                OnlyIncompressible = request.OnlyIncompressible,
                MinStoredBytes = request.MinStoredBytes ?? 0,
                MaxPages = request.Count,
                // What gained nothing with the dictionary before may gain with this one.
                RetryWithoutGain = training?.Codec is not null || request.Retry,
                RetireOthers = true,
            },
            progress.Begin("Recompressing"),
            cancellation);
        if (training?.Codec is { } trained && result.Number is not null)
            disks.NoteTrained(export, named, trained);
        cancellation.ThrowIfCancellationRequested();
        bool isForWrites = request.ForWrites && result.FoundNumber;
        if (isForWrites)
            disk.Store.UseCodec(codec);
        if (isForWrites && training?.Codec is { } used)
            disks.NoteTrained(export, named, used);
        // Pages that shrink leave room between others, and training and a codec that is no longer used leave much.
        if (result.Recompressed + result.Moved > 0)
            disk.Store.Compact(cancellation);
        ResidentMemory.GiveBack();
        RecompressionNotes notes = new(named, result)
        {
            IsForWrites = isForWrites,
            Untrained = training?.Untrained,
            Trained = training is null ? null
                : training.Codec is null ? RecompressionNotes.No
                : result.Number is null && !isForWrites ? RecompressionNotes.NotKept
                : RecompressionNotes.Kept,
            WritesBack = disks.HaveWriteback,
        };
        return DiskOperations.Result(
            ("pagesExamined", result.Examined), ("pagesRecompressed", result.Recompressed), ("pagesWithoutGain", result.WithoutGain),
                ("pagesSkipped", result.Skipped),
            ("pagesMoved", result.Moved), ("pagesNotMoved", result.NotMoved), ("codecsRetired", result.CodecsRetired),
            ("bytesBefore", result.BytesBefore), ("bytesAfter", result.BytesAfter), ("totalBytes", disk.Store.GetStatistics().TotalBytes))
            with { Words = notes.Words, Note = notes.Text, ExitCode = notes.ExitCode };
    }

    private static TimeSpan? Age(ControlRequest request) => request.IdleSeconds is { } idle ? TimeSpan.FromSeconds(idle) : null;

    /// <summary>True if a page meets the conditions of a request; whether an earlier run gained nothing on it does not matter.</summary>
    private static bool HasWork(PageStore store, ControlRequest request)
    {
        TimeSpan? least = Age(request);
        for (long from = 0; from <= PageStore.MaxPage && store.TryFindNext(from, out long page); from = page + 1)
        {
            if (store.TryGetPageInfo(page, out PageInfo info)
                && (info.State == PageState.Incompressible || info.State == PageState.Compressed && !request.OnlyIncompressible)
                && info.StoredBytes >= (request.MinStoredBytes ?? 0) && (least is null || info.Age is not { } age || age >= least))
                return true;
        }
        return false;
    }

    private static void RefuseUntrainable(NamedCodec codec, int bytes)
    {
        bool isFold = codec.Name is CodecNames.Fold or CodecNames.FoldDense;
        if (codec.Level is null && !isFold)
            throw new UserErrorException(
                $"--train goes with --codec {CodecNames.FoldDense}, {CodecNames.Fold} and zstd only; {codec.Name} has neither tables "
                + "nor dictionaries.");
        if (bytes == 0 && !isFold)
            throw new UserErrorException(
                $"--train 0 is for tables without a dictionary, and {codec.Name} has dictionaries only; choose 1024 to 1048576 bytes.");
    }

    /// <summary>Trains a dictionary of Zstandard, or tables of Fold.</summary>
    private static Training Train(
        RamDisk disk, NamedCodec codec, int bytes, ControlProgress progress, CancellationToken cancellation)
    {
        try
        {
            if (codec.Level is { } level)
            {
                progress.Begin("Training a dictionary");
                byte[] dictionary = disk.Store.TrainDictionary(bytes, level, cancellation)
                    ?? throw new UserErrorException(
                        "--train: too few pages are stored, or they have too little in common; store more, or leave the option out.");
                return new Training(PageCodec.Zstd(level, dictionary), null);
            }
            FoldLevel foldLevel = codec.Name == CodecNames.FoldDense ? FoldLevel.Dense : FoldLevel.Fast;
            FoldTraining training = disk.Store.RunFoldTraining(
                foldLevel, bytes, LeastGain, progress.Begin("Training tables"), cancellation);
            return training.Tables is { IsEmpty: false } tables
                ? new Training(PageCodec.Fold(foldLevel, tables.Span), null)
                : new Training(null, CodecNames.WhyNotTrained(training, LeastGain));
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"--train {bytes} is not possible: {OptionNames.RenameOfServer(e)}", e);
        }
    }

    /// <summary>What a training came to: a codec, or why there is none.</summary>
    private sealed record Training(PageCodec? Codec, string? Untrained);
}
