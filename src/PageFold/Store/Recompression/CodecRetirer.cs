using System.Diagnostics.CodeAnalysis;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Recompression;

/// <summary>
/// Frees numbers of codecs: a number is free when no page is stored with its codec, so the pages are moved to another one, whether they
/// shrink by that or not, those in the writeback file too.
/// </summary>
/// <param name="index">Where the pages are.</param>
/// <param name="codecs">The store's codecs.</param>
/// <param name="reclaim">Moves pages out of memory for those that come back from the writeback file; null if there is none.</param>
/// <param name="incompressibleAbove">A page that compresses to more bytes than this is stored raw.</param>
internal sealed class CodecRetirer(PageIndex index, StoreCodecs codecs, IReclaim? reclaim, int incompressibleAbove)
{
    // Pages that are in use are left for the next pass.
    private const int MaxPasses = 8;

    // What leaves memory at once for pages that come back from the writeback file, or take more than before.
    private const long RoomForMoves = 1 << 20;

    /// <summary>Retires a codec: see <see cref="PageStore.RetireCodec"/>. The caller has checked the options.</summary>
    public CodecRetirement Retire(int number, CodecRetirementOptions options, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        // Before the lock: a thread that has it may wait for the stream that a codec's thread holds.
        codecs.RefuseReentry();
        PageCodec? leaving;
        PageCodec target;
        lock (codecs.Table.Changes)
        {
            RecompressionThrow.IfCodecNumberUnknown(number, number is >= 0 and < PageWord.MaxCodecs && codecs.Table[number] is not null);
            RecompressionThrow.IfCodecIsForWrites(number, number == codecs.Table.ForWrites);
            leaving = codecs.Table[number];
            // Read under the lock, so that no other thread changes the codec for writes between the two reads.
            target = options.Target ?? codecs.ForWrites;
            RecompressionThrow.IfRetiredToItself(number, codecs.NumberOfSame(target));
        }
        return Retire(number, leaving!, target, options.MaxPages, progress, out _, cancellationToken);
    }

    private CodecRetirement Retire(int number, PageCodec leaving, PageCodec target, long? maxPages, IProgress<double>? progress,
        out long gained, CancellationToken cancellationToken)
    {
        gained = 0;
        int codec = codecs.Hold(target);
        try
        {
            RetirementPass pass = new(index, codecs, codec, number, leaving, incompressibleAbove, maxPages);
            long movedBefore = -1;
            long shortBefore = 0;
            for (int round = 0; round < MaxPasses && IsStoredWith(number, leaving) && pass.Converted > movedBefore; round++)
            {
                (movedBefore, shortBefore) = (pass.Converted, pass.WithoutMemory);
                MovePages(pass, new PageWalk(index.Counters.Read(StoreCounter.Pages), progress), cancellationToken);
                if (pass.IsAtEnd || cancellationToken.IsCancellationRequested)
                    break;
            }
            progress?.Report(1);
            bool retired = codecs.TryRemove(number, leaving, onlyIfCameForRun: false);
            gained = pass.BytesGained;
            RetirementStop stopped = retired ? RetirementStop.Finished
                : cancellationToken.IsCancellationRequested ? RetirementStop.Cancelled
                : pass.IsAtEnd ? RetirementStop.MaxPages
                // What found no memory in an earlier pass may have found some since.
                : pass.WithoutMemory > shortBefore ? RetirementStop.NoMemory
                : RetirementStop.InUse;
            return new CodecRetirement
            {
                IsRetired = retired,
                Moved = pass.Converted,
                NotMoved = retired ? 0 : Math.Max(0, index.PagesWith(number)),
                Stopped = stopped,
                WasCancelled = stopped == RetirementStop.Cancelled,
            };
        }
        finally
        {
            codecs.EndHold(codec);
        }
    }

    private bool IsStoredWith(int number, PageCodec codec) => codecs.Table[number] == codec && index.PagesWith(number) > 0;

    private void MovePages(RetirementPass pass, PageWalk walk, CancellationToken cancellationToken)
    {
        bool canMakeRoom = reclaim is not null;
        while (!pass.IsAtEnd && !cancellationToken.IsCancellationRequested && pass.Step(ref walk))
        {
            walk.Report();
            if (pass.ShortAt is not { } page)
                continue;
            pass.ShortAt = null;
            // Outside the gate, as every writeback. Once no page leaves memory any more, it is not tried again for each page.
            canMakeRoom = canMakeRoom && reclaim!.WriteBackOnwards(RoomForMoves, cancellationToken).Pages > 0;
            if (!canMakeRoom)
                continue;
            pass.ForgetShortage();
            walk.From = page;
        }
    }

    /// <summary>
    /// Makes a codec known and holds its number, for which another codec is retired where none is free; -1 where pages of the others could
    /// not be moved.
    /// </summary>
    public int HoldWithRetirement(PageCodec codec, Retirements retired, CancellationToken cancellationToken)
    {
        while (true)
        {
            long charged = 0;
            int number;
            try
            {
                number = codecs.TryHold(codec, ref charged);
            }
            finally
            {
                codecs.Table.Release(charged);
            }
            if (number >= 0)
                return number;
            cancellationToken.ThrowIfCancellationRequested();
            if (retired.HasEndedAtMaxPages)
                return -1;
            if (!TryFindToRetire(codec, retired, out int leaving, out PageCodec? known, out PageCodec? target))
                return retired.NotMoved > 0 ? -1 : throw RecompressionThrow.NoCodecToRetire(codec.ShownName);
            CodecRetirement retirement = Retire(leaving, known, target, retired.PagesLeft, progress: null, out long gained,
                cancellationToken);
            retired.Count(leaving, known, retirement, gained);
        }
    }

    /// <summary>Retires the dictionaries that a codec's came after.</summary>
    public void RetireEarlierDictionaries(int number, Retirements retired, CancellationToken cancellationToken)
    {
        PageCodec codec = codecs.Table[number]!;
        for (int other = 0; other < PageWord.MaxCodecs && !cancellationToken.IsCancellationRequested; other++)
        {
            PageCodec? earlier = null;
            lock (codecs.Table.Changes)
            {
                if (MayRetire(other) && IsEarlierDictionary(other, codec) && codecs.Table.Order(other) < codecs.Table.Order(number))
                    earlier = codecs.Table[other];
            }
            if (earlier is null)
                continue;
            CodecRetirement retirement = Retire(other, earlier, codec, retired.PagesLeft, progress: null, out long gained,
                cancellationToken);
            retired.Count(other, earlier, retirement, gained);
        }
    }

    /// <summary>Forgets the codecs that runs brought and with which nothing is stored any more: each holds contexts.</summary>
    public void ForgetEmptied()
    {
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (codecs.Table[number] is { } codec && index.PagesWith(number) <= 0)
                codecs.TryRemove(number, codec, onlyIfCameForRun: true);
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
        lock (codecs.Table.Changes)
        {
            int[] numbers = [.. Enumerable.Range(0, PageWord.MaxCodecs).Where(candidate => codecs.Table[candidate] is not null)];
            number = numbers
                .Where(candidate => MayRetire(candidate) && !retired.HasTried(candidate)
                    && (candidate != codecs.Table.Latest || IsEarlierDictionary(candidate, newcomer)))
                .OrderBy(index.PagesWith).ThenBy(candidate => IsEarlierDictionary(candidate, newcomer) ? 0 : 1).ThenBy(codecs.Table.Order)
                .FirstOrDefault(-1);
            int chosen = number;
            leaving = chosen < 0 ? null : codecs.Table[chosen];
            int densest = numbers.Where(other => other != chosen).MaxBy(other => (DensityOf(other), codecs.Table.Order(other)));
            target = chosen < 0 ? null : codecs.Table[densest];
            return leaving is not null && target is not null;
        }
    }

    /// <summary>What tells codecs by density without trying them: the level. The codec for writes is chosen for its speed.</summary>
    private (int Level, int Choice) DensityOf(int number) =>
        (codecs.Table[number]!.Describe(index.PageSize)?.Level ?? 0, number == codecs.Table.ForWrites ? 0 : 1);

    private bool MayRetire(int number) =>
        codecs.Table[number] is not null && number != codecs.Table.ForWrites && !codecs.Table.IsHeld(number) && !codecs.Table.AreFrozen;

    /// <summary>True if a number's codec is another one's but for the dictionary, which is to be used in its place.</summary>
    private bool IsEarlierDictionary(int number, PageCodec newcomer) =>
        codecs.Table[number] is { } known && known != newcomer && newcomer.Describe(index.PageSize) is { } description
            && description.Supersedes(known.Describe(index.PageSize));
}
