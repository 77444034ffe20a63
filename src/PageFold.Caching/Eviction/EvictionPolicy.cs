using System.Runtime.CompilerServices;

namespace PageFold.Caching.Eviction;

/// <summary>Decides which entry goes when the cache is full.</summary>
/// <remarks>
/// <para>
/// New entries pass through the small part, a first-in, first-out queue; entries that deserve it stay in the main part, over which a clock
/// hand sweeps (CLOCK, Corbató 1968). The small queue, the ghost and the quick demotion of entries without a second use are those of
/// S3-FIFO (Yang et al., SOSP 2023); the comparison of the candidate with the victim by estimated frequency is that of W-TinyLFU (Einziger,
/// Friedman, Manes 2017). A hit only raises the entry's frequency, up to three, and moves nothing. In steps:
/// </para>
/// <list type="number">
/// <item>Insert: count the key in the sketch. If the ghost remembers it, it belongs to the main part; otherwise it is queued in the small
/// part.</item>
/// <item>Evict, small part below its size: the hand's next entry without a hit since its last pass goes.</item>
/// <item>Evict otherwise: the oldest of the small part stays, in the main part, if its estimate exceeds that of the hand's entry by more
/// than the margin. The loser goes and the ghost remembers it. The margin keeps a loop or a scan from exchanging entries of equal
/// worth.</item>
/// </list>
/// <para>
/// While the main part has room, because the cache fills or because entries were removed, the oldest of the small part goes there without
/// comparison. After a change to a smaller small part, each eviction moves two entries, so that no pause arises. If memory for the queue is
/// refused, the entry goes to the main part, which needs no memory. Called under the eviction lock.
/// </para>
/// </remarks>
/// <typeparam name="TResidents">The index, or a miniature's.</typeparam>
internal sealed partial class EvictionPolicy<TResidents>
    where TResidents : struct, IResidents
{
    private const int LongestSweep = 64;
    private const int ComparedVictims = 4;
    private const int Attempts = 8;
    private const int StaleHashesPerCall = 32;
    private const int MovesPerCall = 2;
    private const int CompactionStepsPerInsert = 4;
    private const int ToleratedStaleHashes = 1024;

    private readonly FrequencySketch _sketch;
    private readonly GhostTable _ghost;
    private readonly HashQueue _queue;
    private readonly EvictionObjective _objective;
    private readonly bool _writesSketch;
    private readonly TResidents _residents;
    private long _fullEntries = long.MaxValue;
    private bool _shrinksSmall;

    /// <summary>Makes the policy over parts that its owner disposes.</summary>
    public EvictionPolicy(TResidents residents, in EvictionParts parts, EvictionSettings settings, EvictionObjective objective)
    {
        _residents = residents;
        _sketch = parts.Sketch;
        _ghost = parts.Ghost;
        _queue = parts.Queue;
        _writesSketch = parts.WritesSketch;
        _objective = objective;
        _levels = objective == EvictionObjective.Objects ? new double[Ticks] : [];
        Settings = settings;
    }

    /// <summary>Gets or sets the parameters; a change touches no entry.</summary>
    public EvictionSettings Settings
    {
        get;
        set
        {
            field = value;
            _shrinksSmall = true;
        }
    }

    /// <summary>Gets or sets how many entries fit; zero if the limit is in bytes.</summary>
    public long MaxEntries { get; set; }

    private long Entries => _residents.SmallEntries + _residents.MainEntries;

    private bool IsFull => Entries + (Entries >> 3) >= _fullEntries;

    private (long Size, long Target) SmallPart => MaxEntries > 0
        ? (_residents.SmallEntries, Math.Max(1, (long)(Settings.SmallShare * MaxEntries)))
        : (_residents.SmallBytes, (long)(Settings.SmallShare * (_residents.SmallBytes + _residents.MainBytes)));

    /// <summary>Takes note of an entry that was added to the small part.</summary>
    public void OnInsert(uint hash)
    {
        CountKey(hash);
        // The ghost forgets a key that is back even if its memory is not used: the next eviction of the key is another one.
        bool known = _ghost.TryTake(hash) && Settings.UsesGhost;
        if ((known || !_queue.TryEnqueue(hash)) && _residents.TryFindSmall(hash, out Resident entry))
            _residents.TryPromote(entry, _now);
        if (SmallNeedsRelief)
            MoveOldest();
        DropStaleHashes();
        if (_objective == EvictionObjective.Objects)
            Tick();
    }

    /// <summary>Evicts one entry; false if there is none that may go.</summary>
    /// <param name="incomingBytes">Bytes of the entry that needs the room. It passes through the small part, so the small part makes the
    /// room for it.</param>
    /// <param name="waits">True: the small part has entries that other threads have not told of yet, and is to be tried again rather than
    /// have an entry of the main part go in their place.</param>
    public bool TryEvict(long incomingBytes, bool waits = false)
    {
        // The small part may have grown without limit while the cache was not full.
        _shrinksSmall |= !IsFull;
        _fullEntries = Entries;
        if (_shrinksSmall)
            ShrinkSmall();
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // An attempt fails if another thread has removed or replaced the entry meanwhile, if it waits for one, or if nothing is left.
            if (TryEvictOnce(incomingBytes, waits))
                return true;
        }
        return false;
    }

    private void ShrinkSmall()
    {
        for (int i = 0; i < MovesPerCall && _shrinksSmall; i++)
        {
            _shrinksSmall = SmallWouldExceed(0) && MoveOldest();
        }
    }

    private bool TryEvictOnce(long incomingBytes, bool waits)
    {
        Resident candidate;
        if (SmallWouldExceed(MaxEntries > 0 ? 1 : incomingBytes) || _residents.MainEntries == 0)
        {
            if (TryTakeOldest(out candidate))
                return TrySettle(candidate);
            if (waits && _residents.SmallEntries > 0)
                return false;
        }
        if (TryFindVictim(out Resident victim))
            return TryRemove(victim);
        return TryTakeOldest(out candidate) && TryRemoveOldest(candidate);
    }

    /// <summary>The small part is above its size because the main part is not full yet or because entries of it were removed.</summary>
    /// <remarks>Without relief, each removal from the main part would make the small part larger for good. Where sizes differ it swings by
    /// itself, by an eighth of the cache.</remarks>
    private bool SmallNeedsRelief
    {
        get
        {
            (long size, long target) = SmallPart;
            return size > target + (MaxEntries == 0 && IsFull ? (_residents.SmallBytes + _residents.MainBytes) >> 3 : 0);
        }
    }

    private bool SmallWouldExceed(long addition)
    {
        (long size, long target) = SmallPart;
        return size + addition > target;
    }

    /// <summary>Lets the oldest of the small part and a victim of the main part compete; the loser goes.</summary>
    private bool TrySettle(in Resident candidate)
    {
        for (int i = 0; i < candidate.Frequency; i++)
            CountKey(candidate.Hash);
        if (!TryFindVictim(out Resident victim) || !Deserves(candidate, victim))
            return TryRemoveOldest(candidate);
        return _residents.TryPromote(candidate, _now) && TryRemove(victim);
    }

    /// <summary>Removes what was the oldest of the small part; queues it again if its value was replaced meanwhile.</summary>
    private bool TryRemoveOldest(in Resident oldest)
    {
        if (TryRemove(oldest))
            return true;
        if (_residents.TryFindSmall(oldest.Hash, out Resident replaced) && !_queue.TryEnqueue(oldest.Hash))
            _residents.TryPromote(replaced, _now);
        return false;
    }

    private bool TryRemove(in Resident entry)
    {
        if (!_residents.TryEvict(entry))
            return false;
        _ghost.Put(entry.Hash);
        return true;
    }

    private bool TryFindVictim(out Resident victim) =>
        _objective == EvictionObjective.Objects ? TryFindWorst(out victim) : TryFindRarest(out victim);

    /// <summary>Finds, of the next entries without a hit, the one that was seen the least.</summary>
    private bool TryFindRarest(out Resident victim)
    {
        if (!TrySweep(out victim))
            return false;
        int least = _sketch.Estimate(victim.Hash);
        for (int i = 1; i < ComparedVictims && least > 0 && TrySweep(out Resident other); i++)
        {
            int estimate = _sketch.Estimate(other.Hash);
            if (estimate < least)
            {
                least = estimate;
                victim = other;
            }
        }
        return true;
    }

    [SkipLocalsInit]
    private bool TrySweep(out Resident victim)
    {
        Span<uint> passed = stackalloc uint[LongestSweep];
        bool found = _residents.TrySweep(passed, out int passedCount, out victim);
        foreach (uint hash in passed[..passedCount])
            CountKey(hash);
        return found;
    }

    private bool Deserves(in Resident candidate, in Resident victim)
    {
        int candidateEstimate = _sketch.Estimate(candidate.Hash), victimEstimate = _sketch.Estimate(victim.Hash);
        return _objective == EvictionObjective.Objects
            ? (double)candidateEstimate * victim.Bytes > (double)(victimEstimate + victim.Frequency + Settings.Margin) * candidate.Bytes
            : candidateEstimate > victimEstimate + Settings.Margin;
    }

    private bool TryTakeOldest(out Resident oldest)
    {
        for (int i = 0; i < StaleHashesPerCall && _queue.TryDequeue(out uint hash); i++)
        {
            if (_residents.TryFindSmall(hash, out oldest))
                return true;
        }
        oldest = default;
        return false;
    }

    private bool MoveOldest() => TryTakeOldest(out Resident oldest) && _residents.TryPromote(oldest, _now);

    private void CountKey(uint hash)
    {
        if (_writesSketch)
            _sketch.Add(hash);
    }

    /// <summary>Lets the queue drop hashes of removed entries, so that it stays in proportion to the small part.</summary>
    private void DropStaleHashes()
    {
        if (!_queue.IsCompacting)
        {
            if (_queue.Count <= (2 * _residents.SmallEntries) + ToleratedStaleHashes)
                return;
            _queue.BeginCompaction();
        }
        for (int i = 0; i < CompactionStepsPerInsert && _queue.CompactStep(out uint hash); i++)
        {
            if (_residents.TryFindSmall(hash, out _))
                _queue.Keep(hash);
        }
    }
}
