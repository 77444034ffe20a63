using System.Diagnostics.CodeAnalysis;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;
using PageFold.Store;

namespace PageFold;

/// <summary>
/// Codecs that make room for others: a number is free when no page is stored with its codec, so the pages are brought to another one,
/// whether they shrink by that or not, those in the writeback file too.
/// </summary>
public sealed unsafe partial class PageStore
{
    // Pages that are in use are left for the next pass.
    private const int MostPasses = 8;

    // What leaves memory at once for pages that come back from the writeback file, or take more than before.
    private const long RoomForMoves = 1 << 20;

    /// <summary>
    /// Brings all pages of a codec to another one, and then forgets the codec: its number is free, and the memory of its dictionary and
    /// contexts is given back. Other threads may read, write and discard meanwhile.
    /// Pages in the writeback file come back to memory for it; where that is short, others leave memory instead.
    /// </summary>
    /// <param name="number">The codec's number, as <see cref="Codecs"/> tells it.</param>
    /// <param name="options">How. Null for the defaults.</param>
    /// <param name="progress">Told now and then which part of the stored pages has been looked at, 0 to 1; again from 0 for each
    /// pass.</param>
    /// <param name="cancellationToken">Ends between two pages; what was moved so far stays moved.</param>
    /// <returns>What was done. A codec that could not be retired, because pages are in use, memory is short or a snapshot is being taken,
    /// is as it was but for the pages that were moved: the next call goes on.</returns>
    /// <exception cref="ArgumentException">No codec has the number, or the target is that codec itself, or an option is out of
    /// range.</exception>
    /// <exception cref="InvalidOperationException">New writes use the codec; or the target is new and cannot be added; or a codec calls
    /// the store that it works for.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for the target's contexts; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>
    /// An exception of a codec's own reaches the caller; the page at which it was thrown is as it was. A damaged page stays damaged.
    /// </remarks>
    public CodecRetirement RetireCodec(int number, CodecRetirementOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new CodecRetirementOptions();
        Throw.IfNegative(options.MostPages ?? 0, nameof(options.MostPages));
        PageCodec? leaving;
        PageCodec target;
        lock (_codecs.Changes)
        {
            Throw.IfCodecNumberUnknown(number, number is >= 0 and < CodecTable.Most && _codecs[number] is not null);
            Throw.IfCodecIsForWrites(number, number == _codecs.ForWrites);
            leaving = _codecs[number];
            // Read here, or else another thread could have new writes use another codec between the two looks.
            target = options.Target ?? Codec;
            Throw.IfRetiredToItself(number, NumberOfSame(target));
        }
        return Retire(number, leaving!, target, options.MostPages, progress, out _, cancellationToken);
    }

    private CodecRetirement Retire(int number, PageCodec leaving, PageCodec target, long? mostPages, IProgress<double>? progress,
        out long gained, CancellationToken cancellationToken)
    {
        gained = 0;
        int codec = HoldCodec(target);
        try
        {
            Recompression work = new(new RecompressionOptions { Codec = target, MostPages = mostPages }, codec, number, leaving);
            long movedBefore = -1;
            for (int pass = 0; pass < MostPasses && IsStoredWith(number, leaving) && work.Recompressed > movedBefore; pass++)
            {
                movedBefore = work.Recompressed;
                MovePages(work, new PageWalk(_counters.Read(StoreCounter.Pages), progress), cancellationToken);
                if (work.IsAtEnd || cancellationToken.IsCancellationRequested)
                    break;
            }
            progress?.Report(1);
            bool retired = TryRemoveCodec(number, leaving, onlyIfCameForRun: false);
            gained = work.BytesGained;
            return new CodecRetirement(retired, work.Recompressed, retired ? 0 : Math.Max(0, PagesWith(number)));
        }
        finally
        {
            EndHold(codec);
        }
    }

    private bool IsStoredWith(int number, PageCodec codec) => _codecs[number] == codec && PagesWith(number) > 0;

    private void MovePages(Recompression work, PageWalk walk, CancellationToken cancellationToken)
    {
        bool canMakeRoom = _writeback is not null;
        while (!work.IsAtEnd && !cancellationToken.IsCancellationRequested && RecompressNext(ref walk, work))
        {
            walk.Report();
            if (work.ShortAt is not { } page)
                continue;
            work.ShortAt = null;
            // Outside the gate, as every writeback. When no page leaves memory any more, that is not tried for each page.
            canMakeRoom = canMakeRoom && WriteBackOnwards(RoomForMoves, cancellationToken).Pages > 0;
            if (!canMakeRoom)
                continue;
            work.Forget(RecompressionOutcome.NoMemory);
            walk.From = page;
        }
    }

    private bool IsToMove(ulong word, int leaving) =>
        (SlotWord.HoldsObject(word) || WrittenBack.Is(word)) && SlotWord.Size(word) != PageSize && SlotWord.Codec(word) == leaving;

    private RecompressionOutcome TryMove(ulong* slot, uint page, Recompression work, int stripe)
    {
        Workbench bench = _benches.Take(stripe);
        bool pinned = false;
        try
        {
            pinned = TryPin(ref *slot, out ulong word);
            // The page stays pinned, so the number stays its codec's.
            if (!pinned || !IsToMove(word, work.Leaving!.Value) || _codecs[work.Leaving.Value] != work.LeavingCodec
                || !TryFetch(word, bench, page, out ReadOnlySpan<byte> stored, out uint check))
                return RecompressionOutcome.Skipped;
            // Bytes that do not decompress keep their damage: with a check that is not theirs no codec is asked to read them.
            int codec = work.Codec;
            if (CheckOf(stored, page) != check || !bench.Context(work.Leaving.Value).TryDecompress(stored, bench.PageSpan))
                check = ~CheckOf(stored, page);
            else
                stored = Compress(bench, page, ref codec, out check);
            RecompressionOutcome outcome = TryPutInPlace(slot, word, page, stored, codec, check, stripe);
            pinned = outcome != RecompressionOutcome.Recompressed;
            if (!pinned)
                work.BytesGained += SlotWord.Size(word) - stored.Length;
            return outcome;
        }
        finally
        {
            if (pinned)
                SlotWord.ReleaseShared(ref *slot);
            bench.Return();
        }
    }

    /// <summary>Brings a pinned slot's stored bytes to the workbench; false if the writeback file cannot be read.</summary>
    private bool TryFetch(ulong word, Workbench bench, uint page, out ReadOnlySpan<byte> stored, out uint check)
    {
        if (!WrittenBack.Is(word))
        {
            ObjectView view = _heap.View(word, out ulong* tag);
            view.CopyTo(bench.Packed);
            check = (uint)(*tag >> 32);
            stored = bench.PackedSpan[..view.Length];
            return true;
        }
        Span<byte> record = bench.PackedSpan[..(WrittenBack.HeaderBytes + SlotWord.Size(word))];
        stored = record[WrittenBack.HeaderBytes..];
        check = 0;
        try
        {
            _writeback!.ReadRecord(WrittenBack.Position(word), record, page);
        }
        catch (WritebackReadException)
        {
            // It may be readable next time.
            return false;
        }
        check = BitConverter.ToUInt32(record[sizeof(uint)..]);
        // A record of another page is damage as well.
        if (BitConverter.ToUInt32(record) != page)
            check = ~CheckOf(stored, page);
        return true;
    }

    /// <summary>Compresses the workbench's page; what the codec does not make small enough is stored raw, by no codec.</summary>
    private ReadOnlySpan<byte> Compress(Workbench bench, uint page, scoped ref int codec, out uint check)
    {
        ReadOnlySpan<byte> stored = bench.PageSpan;
        if (bench.Context(codec).TryCompress(bench.PageSpan, bench.PackedSpan, out int size) && size > 0 && size <= _incompressibleAbove)
            stored = bench.PackedSpan[..size];
        else
            codec = 0;
        check = CheckOf(stored, page);
        return stored;
    }

    /// <summary>Has a pinned slot hold other bytes; unpins it if it does then.</summary>
    private RecompressionOutcome TryPutInPlace(ulong* slot, ulong word, uint page, ReadOnlySpan<byte> stored, int codec, uint check,
        int stripe)
    {
        bool isObject = SlotWord.HoldsObject(word);
        int before = isObject ? _heap.Capacity(SlotWord.Location(word)) : 0;
        int after = _heap.Footprint(stored.Length);
        // Over the old bytes where the class is the same, and where it is smaller but there is no memory: that takes none.
        bool overwrite = isObject && after == before;
        ObjectLocation location = default;
        if (!overwrite && !_heap.TryAllocate(stored.Length, after < before ? ReserveUse.Replacement : ReserveUse.None,
            mayReclaim: false, out location))
        {
            overwrite = isObject && stored.Length <= before;
            if (!overwrite)
                return RecompressionOutcome.NoMemory;
        }
        if (!SlotWord.TryUpgrade(ref *slot, word))
        {
            if (!overwrite)
                _heap.Free(location);
            return RecompressionOutcome.Skipped;
        }
        ulong held = overwrite ? _heap.WordFor(SlotWord.Location(word), stored.Length, codec)
            : SlotWord.ForObject(location, stored.Length, codec);
        ObjectView view = _heap.View(held, out ulong* tag);
        *tag = page | (ulong)check << 32;
        fixed (byte* bytes = stored)
            view.CopyFrom(bytes);
        Publish(ref *slot, word, held, stripe);
        if (isObject && !overwrite)
            _heap.Free(SlotWord.Location(word));
        else if (!isObject)
            _writeback!.Remove(WrittenBack.Position(word), SlotWord.Size(word));
        return RecompressionOutcome.Recompressed;
    }

    /// <summary>
    /// Forgets a codec that nothing is stored with; false if something is, or may be soon. Another one that has its number by now stays.
    /// </summary>
    private bool TryRemoveCodec(int number, PageCodec codec, bool onlyIfCameForRun)
    {
        int stripe = _gate.Enter();
        try
        {
            lock (_codecs.Changes)
            {
                return _codecs[number] != codec
                    || !_codecs.AreFrozen && (!onlyIfCameForRun || _codecs.CameForRun(number))
                        && PagesWith(number) <= 0 && IsUnused(number) && TryForget(number);
            }
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Makes a codec known and holds its number, for which another codec is retired where none is free.</summary>
    private int HoldWithRetirement(PageCodec codec, Retirements retired, CancellationToken cancellationToken)
    {
        while (true)
        {
            long charged = 0;
            int number;
            try
            {
                number = TryHoldCodec(codec, ref charged);
            }
            finally
            {
                _codecs.Release(charged);
            }
            if (number >= 0)
                return number;
            cancellationToken.ThrowIfCancellationRequested();
            if (!TryFindToRetire(codec, retired, out int leaving, out PageCodec? known, out PageCodec? target))
                Throw.CodecsNotRetired(codec.Name, retired.NotMoved);
            CodecRetirement retirement = Retire(leaving, known, target, retired.PagesLeft, progress: null, out long gained,
                cancellationToken);
            retired.Count(leaving, retirement, gained);
        }
    }

    /// <summary>Retires the dictionaries that a codec's came after.</summary>
    private void RetireEarlierDictionaries(int number, Retirements retired, CancellationToken cancellationToken)
    {
        PageCodec codec = _codecs[number]!;
        for (int other = 0; other < CodecTable.Most && !cancellationToken.IsCancellationRequested; other++)
        {
            PageCodec? earlier = null;
            lock (_codecs.Changes)
            {
                if (MayRetire(other) && IsEarlierDictionary(other, codec) && _codecs.Order(other) < _codecs.Order(number))
                    earlier = _codecs[other];
            }
            if (earlier is null)
                continue;
            CodecRetirement retirement = Retire(other, earlier, codec, retired.PagesLeft, progress: null, out long gained,
                cancellationToken);
            retired.Count(other, retirement, gained);
        }
    }

    /// <summary>Notes which codec a recompression has made pages denser with, so that the next one does not undo that.</summary>
    private void NoteLatest(int number, long recompressed)
    {
        if (recompressed == 0)
            return;
        lock (_codecs.Changes)
            _codecs.Latest = number;
    }

    /// <summary>Forgets the codecs that runs brought and with which nothing is stored any more: each holds contexts.</summary>
    private void ForgetEmptied()
    {
        for (int number = 0; number < CodecTable.Most; number++)
        {
            if (_codecs[number] is { } codec && PagesWith(number) <= 0)
                TryRemoveCodec(number, codec, onlyIfCameForRun: true);
        }
    }

    /// <summary>
    /// The codec with the fewest pages, an earlier dictionary of the newcomer where several have as few, and the densest of the others for
    /// its pages. Never the codec for writes, nor that of the last recompression, which would undo what that one gained; but an earlier
    /// dictionary, which the newcomer replaces anyway, may be that.
    /// </summary>
    private bool TryFindToRetire(PageCodec newcomer, Retirements retired, out int number, [NotNullWhen(true)] out PageCodec? leaving,
        [NotNullWhen(true)] out PageCodec? target)
    {
        lock (_codecs.Changes)
        {
            int[] numbers = [.. Enumerable.Range(0, CodecTable.Most).Where(candidate => _codecs[candidate] is not null)];
            number = numbers
                .Where(candidate => MayRetire(candidate) && !retired.HasTried(candidate)
                    && (candidate != _codecs.Latest || IsEarlierDictionary(candidate, newcomer)))
                .OrderBy(PagesWith).ThenBy(candidate => IsEarlierDictionary(candidate, newcomer) ? 0 : 1).ThenBy(_codecs.Order)
                .FirstOrDefault(-1);
            int chosen = number;
            leaving = chosen < 0 ? null : _codecs[chosen];
            target = chosen < 0 ? null : _codecs[numbers.Where(other => other != chosen).MaxBy(other => (DensityOf(other), _codecs.Order(other)))];
            return leaving is not null && target is not null;
        }
    }

    /// <summary>What tells codecs by density without trying them: the level. The codec for writes is chosen for its speed.</summary>
    private (int Level, int Choice) DensityOf(int number) =>
        (_codecs[number]!.Describe()?.Level ?? 0, number == _codecs.ForWrites ? 0 : 1);

    private bool MayRetire(int number) => _codecs[number] is not null && number != _codecs.ForWrites && !_codecs.IsHeld(number)
        && !_codecs.AreFrozen;

    /// <summary>True if a number's codec is another one's but for the dictionary.</summary>
    private bool IsEarlierDictionary(int number, PageCodec newcomer) =>
        _codecs[number] is { } known && known != newcomer && newcomer.Describe() is { } description
            && description.DiffersInDictionary(known.Describe());

    /// <summary>What was retired for a recompression.</summary>
    private sealed class Retirements(long? mostPages)
    {
        private readonly Dictionary<int, CodecRetirement> _tried = [];

        public long Moved { get; private set; }

        public int Codecs { get; private set; }

        /// <summary>Stored bytes that the moved pages take less by now; below zero if they take more.</summary>
        public long BytesGained { get; private set; }

        public long NotMoved => _tried.Values.Sum(retirement => retirement.NotMoved);

        /// <summary>Pages that may still be moved; null for all.</summary>
        public long? PagesLeft => mostPages is { } most ? Math.Max(0, most - Moved) : null;

        public bool HasTried(int number) => _tried.ContainsKey(number);

        public void Count(int number, CodecRetirement retirement, long gained)
        {
            BytesGained += gained;
            _tried[number] = retirement;
            Moved += retirement.Moved;
            Codecs += retirement.IsRetired ? 1 : 0;
        }
    }
}
