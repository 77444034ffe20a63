using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;
using PageFold.Store.Paging;

namespace PageFold.Store.Snapshots;

/// <summary>
/// Begins snapshots and images of a store, one at a time: freezes the codecs, whose descriptions the file begins with, opens the output and
/// takes the memory. <see cref="SnapshotRun"/> does the rest.
/// </summary>
internal sealed class SnapshotSaver(PageIndex index, StoreCodecs codecs, PageReader reader, TimeProvider clock, long overwriteReserve)
{
    // Attempts to cover all pages with bits while others store more.
    private const int MaxAttempts = 4;

    /// <summary>
    /// What a snapshot of the full store may take, charged to the limit as long as the store lives; null if nothing is kept aside.
    /// </summary>
    public MemoryBudget? Reserve { get; private set; }

    /// <summary>
    /// How long writers wait for a session whose point is fixed and that no thread saves, if not ten seconds. For tests.
    /// </summary>
    public TimeSpan? Patience { get; set; }

    /// <summary>Keeps a part of the limit aside for snapshots; false when it is not free.</summary>
    public bool TryKeepReserve(long bytes)
    {
        if (!index.Budget.TryCharge(bytes))
            return false;
        if (bytes > 0)
            index.Budget.Part = Reserve = new MemoryBudget(bytes);
        return true;
    }

    /// <summary>Gives the part of the limit back; the store is disposed.</summary>
    public void Free() => index.Budget.Release(Reserve?.Limit ?? 0);

    /// <summary>Begins a snapshot: see <see cref="PageStore.BeginSnapshot"/>.</summary>
    /// <param name="open">Makes or names the output.</param>
    /// <param name="isOwn">Closes the output where this throws; otherwise the caller does.</param>
    /// <param name="options">What the snapshot says about itself.</param>
    public SnapshotRun BeginSnapshot(Func<SnapshotOutput> open, bool isOwn, SnapshotOptions? options)
    {
        // A copy, so that what is checked is what is written.
        options = options is null ? new SnapshotOptions() : new SnapshotOptions { Length = options.Length, Label = options.Label };
        Throw.IfNegative(options.Length, nameof(options.Length));
        SnapshotThrow.IfLabelInvalid(options.Label);
        return Begin(open, isOwn,
            (output, _) => new SnapshotWriter(output, index.PageSize, options, DescribeCodecs(), codecs.Table.ForWrites));
    }

    /// <summary>Begins an image: see <see cref="PageStore.BeginImage"/>.</summary>
    /// <param name="open">Makes or names the output.</param>
    /// <param name="isOwn">Closes the output where this throws; otherwise the caller does.</param>
    /// <param name="length">Bytes of the image.</param>
    public SnapshotRun BeginImage(Func<SnapshotOutput> open, bool isOwn, long length)
    {
        Throw.IfNegative(length, nameof(length));
        return Begin(open, isOwn, (output, memory) => ImageWriter.TryMake(output, codecs, index.PageSize, length, memory));
    }

    /// <summary>Refuses a call from a codec that works for the store: it would wait for its own operation.</summary>
    public void RefuseReentry() => codecs.RefuseReentry();

    /// <summary>
    /// Fixes a point in time: has all operations leave for a moment, in which the preserving begins. Returns the pages that were stored
    /// then. The caller is no codec (<see cref="RefuseReentry"/>).
    /// </summary>
    public long TakePoint(PreservedPages preserved, CancellationToken cancellationToken)
    {
        // A prefault is inside for seconds. Attempts to be alone would be in vain and keep readers and writers out meanwhile.
        index.Arena.AwaitPrefault(cancellationToken);
        long stored = 0;
        bool covered = false;
        // The bits of what is stored by then are made before any operation has to wait; those of what comes until then, while they wait.
        // For the latter no room is made; where they need some, all begins again.
        for (int attempt = 0; attempt < MaxAttempts && !covered && index.Room.TryInside(preserved.TryCover); attempt++)
        {
            index.Gate.RunAlone(
                () =>
                {
                    covered = preserved.TryCover();
                    stored = index.Counters.Read(StoreCounter.Pages);
                    if (covered)
                        index.Listen(preserved);
                },
                cancellationToken);
        }
        if (!covered)
            throw SnapshotThrow.NoMemoryForSnapshot(index.Budget.Limit);
        return stored;
    }

    /// <summary>Lets codecs come and go again.</summary>
    public void End()
    {
        lock (codecs.Table.Changes)
            codecs.Table.AreFrozen = false;
    }

    /// <param name="open">Makes or names the output.</param>
    /// <param name="isOwn">Closes the output where this throws; otherwise the caller does.</param>
    /// <param name="makeTarget">Makes what writes to it; null when there is no memory.</param>
    private SnapshotRun Begin(Func<SnapshotOutput> open, bool isOwn, Func<SnapshotOutput, SnapshotMemory, SnapshotTarget?> makeTarget)
    {
        codecs.RefuseReentry();
        lock (codecs.Table.Changes)
        {
            SnapshotThrow.IfSnapshotRuns(codecs.Table.AreFrozen);
            codecs.Table.AreFrozen = true;
        }
        SnapshotOutput? output = null;
        SnapshotRun? run = null;
        try
        {
            output = open();
            run = MakeRun(output, makeTarget);
            output = null;
            return run;
        }
        finally
        {
            if (isOwn)
                output?.Dispose();
            if (run is null)
                End();
        }
    }

    private SnapshotRun MakeRun(SnapshotOutput output, Func<SnapshotOutput, SnapshotMemory, SnapshotTarget?> makeTarget)
    {
        SnapshotTarget? target = null;
        PreservedPages? preserved = null;
        SnapshotRun? run = null;
        try
        {
            // What is left for overwrites is not for a snapshot that can do without.
            bool isSpare = index.FreeBytes - SnapshotMemory.Buffers * SnapshotFormat.ChunkBytes >= overwriteReserve;
            if (overwriteReserve > 0 && !isSpare && TryMakeSmall()
                || index.Room.TryInside(() => TryMake(new SnapshotMemory(index.Budget, SnapshotFormat.ChunkBytes))) || TryMakeSmall())
                run = new SnapshotRun(this, target!, preserved!, clock, index.Gate.Closing);
            return run ?? throw SnapshotThrow.NoMemoryForSnapshot(index.Budget.Limit);
        }
        finally
        {
            if (run is null)
            {
                preserved?.Free();
                target?.Free();
            }
        }

        bool TryMakeSmall() => Reserve is not null && TryMake(new SnapshotMemory(Reserve, SnapshotMemory.SmallBytes(index.PageSize)));

        bool TryMake(SnapshotMemory memory) => (target ??= makeTarget(output, memory)) is not null
            && (preserved ??= PreservedPages.TryMake(index, reader, Reserve, memory, Patience)) is not null;
    }

    private CodecDescription?[] DescribeCodecs()
    {
        CodecDescription?[] descriptions = new CodecDescription?[PageWord.MaxCodecs];
        for (int number = 0; number < descriptions.Length; number++)
        {
            if (codecs.Table[number] is not { } codec)
                continue;
            descriptions[number] = codec.Describe(index.PageSize);
            if (descriptions[number] is not { } description || description.Dictionary.Length > SnapshotFormat.MaxDictionaryBytes)
                throw SnapshotThrow.CodecCannotBeSaved(codec.Name);
        }
        return descriptions;
    }
}
