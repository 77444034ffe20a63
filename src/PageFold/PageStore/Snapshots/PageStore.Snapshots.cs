using PageFold.Allocation;
using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store;

namespace PageFold;

/// <summary>Snapshots: the pages as they were at a point in time, saved to a file while everybody may read, write and discard.</summary>
public sealed unsafe partial class PageStore
{
    private PreservedPages? _preserving;
    private long _snapshotReserve;

    /// <summary>What a snapshot of the full store may take, charged to the limit as long as the store lives; null if nothing is kept aside.</summary>
    internal MemoryBudget? SnapshotReserve { get; private set; }

    /// <summary>How long writers wait for a session whose point is fixed and that nobody saves, if not ten seconds. For tests.</summary>
    internal TimeSpan? SnapshotPatience { get; set; }

    /// <summary>
    /// Saves the pages as they are at a point in time, in the form in which they are stored. Writers go on: a page that is about to change is saved first, by whoever changes it. The file
    /// takes its name only when it is whole and on the device, so that there always is the old one or the new one.
    /// </summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="options">What the file says about itself. Null for nothing.</param>
    /// <param name="progress">Told now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread on which it is told: that is the one that makes room.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <exception cref="ArgumentException">The path cannot be one, or an option is out of range; the message names it, its value and the
    /// remedy.</exception>
    /// <exception cref="IOException">The file cannot be written, or another process writes it, or a page cannot be read from the writeback
    /// file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <exception cref="InvalidOperationException">Another snapshot is being taken, or a codec calls the store that it works
    /// for.</exception>
    /// <exception cref="NotSupportedException">One of the codecs does not come with the library, so nobody could restore its pages.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for two buffers of a megabyte and a bit a page, nor for small ones in <see
    /// cref="PageStoreOptions.SnapshotReserve"/>.</exception>
    /// <exception cref="PageCorruptException">A page is damaged; write or discard it first.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public SnapshotResult SaveSnapshot(string path, SnapshotOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = BeginSnapshot(path, options);
        return session.Save(progress, cancellationToken);
    }

    /// <summary>Saves the pages as they are at a point in time as a raw sparse image: each at its offset, holes where nothing is stored. Otherwise like <see cref="SaveSnapshot"/>.</summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <param name="progress">Told now and then which part of the pages is saved, 0 to 1. It must not change pages on the thread on which it is told: that is the one that makes room.</param>
    /// <param name="cancellationToken">Ends it without a file.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotResult SaveImage(string path, long length, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        using SnapshotSession session = BeginImage(path, length);
        return session.Save(progress, cancellationToken);
    }

    /// <summary>Opens the file of a snapshot and takes the memory for it. The point in time is fixed later: see <see cref="SnapshotSession"/>.</summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="options">What the file says about itself. Null for nothing.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginSnapshot(string path, SnapshotOptions? options = null) =>
        OpenSnapshot(() => PartialFile.Create(path), isOwn: true, options);

    /// <summary>
    /// Takes the memory for a snapshot that goes to any output. The point in time is fixed later: see <see cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="output">Where its bytes go. The session disposes it; where this throws, the caller does.</param>
    /// <param name="options">What the snapshot says about itself. Null for nothing.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginSnapshotTo(SnapshotOutput output, SnapshotOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        return OpenSnapshot(() => output, isOwn: false, options);
    }

    private SnapshotSession OpenSnapshot(Func<SnapshotOutput> open, bool isOwn, SnapshotOptions? options)
    {
        // A copy, so that what is checked is what is written.
        options = options is null ? new SnapshotOptions() : new SnapshotOptions { Length = options.Length, Label = options.Label };
        Throw.IfNegative(options.Length, nameof(options.Length));
        Throw.IfLabelInvalid(options.Label);
        return Begin(open, isOwn, (output, _) => new SnapshotWriter(output, this, options, DescribeCodecs(), _codecs.ForWrites));
    }

    /// <summary>Opens the file of a raw sparse image and takes the memory for it. The point in time is fixed later: see <see cref="SnapshotSession"/>.</summary>
    /// <param name="path">The file; it is made beside itself as <c>path.pagefold-partial</c>. A link is followed.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginImage(string path, long length) => OpenImage(() => PartialFile.Create(path), isOwn: true, length);

    /// <summary>
    /// Takes the memory for a raw image that goes to any output. The point in time is fixed later: see <see cref="SnapshotSession"/>.
    /// </summary>
    /// <param name="output">Where its bytes go, page by page in any order. The session disposes it; where this throws, the caller
    /// does.</param>
    /// <param name="length">Bytes of the image. What is stored from there on is left out.</param>
    /// <inheritdoc cref="SaveSnapshot" path="/exception"/>
    public SnapshotSession BeginImageTo(SnapshotOutput output, long length)
    {
        ArgumentNullException.ThrowIfNull(output);
        return OpenImage(() => output, isOwn: false, length);
    }

    private SnapshotSession OpenImage(Func<SnapshotOutput> open, bool isOwn, long length)
    {
        Throw.IfNegative(length, nameof(length));
        return Begin(open, isOwn, (output, memory) => ImageWriter.TryMake(output, this, length, memory));
    }

    /// <summary>Everybody out for a moment, in which the preserving begins.</summary>
    internal void TakePoint(PreservedPages preserved, out long pages, CancellationToken cancellationToken)
    {
        // It would wait for itself to leave.
        _benches.RefuseReentry();
        // A prefault is inside for seconds. Attempts to be alone in vain would keep readers and writers out meanwhile.
        _arena.AwaitPrefault(cancellationToken);
        long stored = 0;
        bool covered = false;
        // The bits of what is stored by then, before anybody has to wait; of what comes until then, while they do. For that nobody makes room; where it takes some, all begins anew.
        for (int attempt = 0; attempt < MostRounds && !covered && InsideWithRoom(preserved.TryCover); attempt++)
        {
            _gate.RunAlone(
                () =>
                {
                    covered = preserved.TryCover();
                    stored = _counters.Read(StoreCounter.Pages);
                    if (covered)
                        Volatile.Write(ref _preserving, preserved);
                },
                cancellationToken);
        }
        if (!covered)
            throw Throw.NoMemoryForSnapshot(MemoryLimit);
        pages = stored;
    }

    internal void EndPreserving(PreservedPages preserved) => Interlocked.CompareExchange(ref _preserving, null, preserved);

    internal void EndSnapshot()
    {
        lock (_codecs.Changes)
            _codecs.AreFrozen = false;
    }

    /// <summary>Preserves pages from a number on, for the session: to the end of a leaf, or until a buffer is full. Returns where to go on.</summary>
    internal long PreserveFrom(long from, PreservedPages preserved)
    {
        int stripe = _gate.Enter();
        try
        {
            if (_slots.NextExisting((uint)from) is not { } number)
                return MaxPage + 1;
            ulong* slot = _slots.Find(number);
            long endOfLeaf = (number | _slots.LeafLength - 1) + 1L;
            // A page that is not there now was preserved, or not there at the point in time either.
            for (long page = number; page < endOfLeaf; page++, slot++)
            {
                if (SlotWord.Kind(Volatile.Read(ref *slot)) != SlotKind.Empty && !preserved.TryPreserve((uint)page))
                    return page;
            }
            return endOfLeaf;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Keeps a page for the snapshot that is being taken, if there is one: called inside the gate before a page's content changes, by one who holds neither a workbench nor a slot.</summary>
    private void Preserve(uint number) => Volatile.Read(ref _preserving)?.Preserve(number);

    private bool TryKeepForSnapshots(PageStoreOptions options)
    {
        if (!Budget.TryCharge(options.SnapshotReserve))
            return false;
        _snapshotReserve = options.SnapshotReserve;
        if (_snapshotReserve > 0)
            Budget.Part = SnapshotReserve = new MemoryBudget(_snapshotReserve);
        return true;
    }

    /// <param name="open">Makes or names the output.</param>
    /// <param name="isOwn">Closes the output where this throws; otherwise the caller does.</param>
    /// <param name="makeTarget">Makes what writes to it; null when there is no memory.</param>
    private SnapshotSession Begin(Func<SnapshotOutput> open, bool isOwn, Func<SnapshotOutput, SnapshotMemory, SnapshotTarget?> makeTarget)
    {
        _benches.RefuseReentry();
        Throw.IfCodecCallsItsStore(_codecs.Changes.IsHeldByCurrentThread);
        lock (_codecs.Changes)
        {
            Throw.IfSnapshotRuns(_codecs.AreFrozen);
            _codecs.AreFrozen = true;
        }
        SnapshotOutput? output = null;
        SnapshotSession? session = null;
        try
        {
            output = open();
            session = MakeSession(output, makeTarget);
            output = null;
            return session;
        }
        finally
        {
            if (isOwn)
                output?.Dispose();
            if (session is null)
                EndSnapshot();
        }
    }

    private SnapshotSession MakeSession(SnapshotOutput output, Func<SnapshotOutput, SnapshotMemory, SnapshotTarget?> makeTarget)
    {
        SnapshotTarget? target = null;
        PreservedPages? preserved = null;
        SnapshotSession? session = null;
        try
        {
            // What is left for overwrites is not for a snapshot that can do without.
            bool isSpare = FreeBytes - SnapshotMemory.Buffers * SnapshotFormat.ChunkBytes >= _overwriteReserve;
            if (_overwriteReserve > 0 && !isSpare && TryMakeSmall()
                || InsideWithRoom(() => TryMake(new SnapshotMemory(Budget, SnapshotFormat.ChunkBytes))) || TryMakeSmall())
                session = new SnapshotSession(this, target!, preserved!, _clock, _gate.Closing);
            return session ?? throw Throw.NoMemoryForSnapshot(MemoryLimit);
        }
        finally
        {
            if (session is null)
            {
                preserved?.Free();
                target?.Free();
            }
        }

        bool TryMakeSmall() => SnapshotReserve is not null
            && TryMake(new SnapshotMemory(SnapshotReserve, SnapshotMemory.SmallBytes(PageSize)));

        bool TryMake(SnapshotMemory memory) => (target ??= makeTarget(output, memory)) is not null
            && (preserved ??= PreservedPages.TryMake(this, memory, SnapshotPatience)) is not null;
    }

    /// <summary>Decompresses stored bytes with a codec that cannot go meanwhile, on a workbench: that needs no memory. False if they are damaged.</summary>
    internal bool TryDecompress(int codec, ReadOnlySpan<byte> stored, Span<byte> page)
    {
        int stripe = _gate.Enter();
        Workbench? bench = null;
        try
        {
            bench = _benches.Take(stripe);
            return bench.Context(codec).TryDecompress(stored, page);
        }
        finally
        {
            bench?.Return();
            _gate.Exit(stripe);
        }
    }

    /// <summary>Does something inside the gate that takes memory; where it fails, room is made and it is done again.</summary>
    private bool InsideWithRoom(Func<bool> action)
    {
        int stripe = _gate.Enter();
        try
        {
            bool done = action();
            for (int round = 0; !done && round < MostRounds && TryMakeRoom(round); round++)
                done = action();
            return done;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private CodecDescription?[] DescribeCodecs()
    {
        CodecDescription?[] descriptions = new CodecDescription?[CodecTable.Most];
        for (int number = 0; number < descriptions.Length; number++)
        {
            if (_codecs[number] is not { } codec)
                continue;
            descriptions[number] = codec.Describe();
            if (descriptions[number] is not { } description || description.Dictionary.Length > SnapshotFormat.MaxDictionaryBytes)
                throw Throw.CodecCannotBeSaved(codec.Name);
        }
        return descriptions;
    }
}
