using System.Numerics;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>
/// Compaction of one class: objects of the sparsest zspage move into the fullest that has room, so that whole frames, and in the end whole
/// zspages, go back.
/// </summary>
/// <remarks>
/// An object moves only if its slot could be locked and still points at it: objects that are mapped, being read, or not yet published stay. Moves
/// go from a zspage to one that is at least as full, or down within one zspage, so compaction ends. One step moves a few objects and then lets
/// others have the class's lock.
/// </remarks>
internal sealed unsafe partial class SizeClass
{
    private const int MovesPerStep = 16;

    // A class is sparse when more than a sixteenth of its frames could go; the background then brings it below half of that.
    private const int SparseShift = 4;

    // What compaction on request leaves: below a 512th, moving costs more than it frees.
    private const int ThoroughShift = 9;

    // How many zspages whose objects cannot be moved now are passed over; finding the next walks past them. Fewer when somebody waits.
    private const int MostStuck = 1024;
    private const int MostStuckInHaste = 16;

    // How much an allocation that waits lets be moved for each frame.
    private const int MostFramesMovedPerFrameFreed = 4;

    /// <summary>Frames that would go if the class's objects lay without gaps.</summary>
    public long ReclaimableFrames
    {
        get
        {
            _latch.Enter();
            try
            {
                return Reclaimable;
            }
            finally
            {
                _latch.Exit();
            }
        }
    }

    private long Reclaimable => Math.Max(0, _frames - Geometry.FramesNeeded(_objects));

    private bool IsSparse => Reclaimable > Math.Max(1, _frames >> SparseShift);

    /// <summary>Compacts until little is left to gain, or nothing moves any more.</summary>
    /// <param name="owners">The slots that say where objects are.</param>
    /// <param name="thorough">Down to the last frames; otherwise only if the class is sparse, and until it clearly is not.</param>
    /// <param name="mostFrames">Ends when so many frames have been freed; an allocation waits for them.</param>
    /// <param name="cancellation">Ends between two steps.</param>
    public CompactionResult Compact(SlotTable owners, bool thorough, long mostFrames, CancellationToken cancellation)
    {
        CompactionResult total = default;
        if (!thorough && !IsSparse)
            return total;
        int stuck = 0;
        bool haste = mostFrames != long.MaxValue;
        int mostStuck = haste ? MostStuckInHaste : MostStuck;
        while (total.FramesFreed < mostFrames && stuck < mostStuck && !cancellation.IsCancellationRequested)
        {
            // What was moved in vain so far is not lost: the next attempt finds the source emptier.
            if (haste && total.BytesMoved > (total.FramesFreed + 4) * MostFramesMovedPerFrameFreed * Geometry.FrameSize)
                break;

            CompactionResult step = Step(owners, thorough, stuck, out bool finished);
            total += step;
            if (finished)
                break;
            if (step.ObjectsMoved == 0)
                stuck++;
        }
        return total;
    }

    private CompactionResult Step(SlotTable owners, bool thorough, int stuck, out bool finished)
    {
        FrameBag freed = new(stackalloc uint[MovesPerStep * FramesPerVacate]);
        int moved = 0;
        long before;
        long after;
        _latch.Enter();
        try
        {
            before = _frames;
            long enough = _frames >> (thorough ? ThoroughShift : SparseShift + 1);
            finished = Reclaimable <= enough;
            if (!finished)
            {
                finished = !TryFindPair(stuck, out Zspage source, out Zspage destination);
                if (!finished)
                    moved = Move(owners, source, destination, ref freed);
            }
            after = _frames;
        }
        finally
        {
            _latch.Exit();
        }
        freed.FreeAll(_arena);
        return new CompactionResult { ObjectsMoved = moved, BytesMoved = (long)moved * Geometry.Stride, FramesFreed = before - after };
    }

    /// <summary>Moves objects from the end of one zspage to the first free places of another, or of the same.</summary>
    private int Move(SlotTable owners, Zspage source, Zspage destination, ref FrameBag freed)
    {
        bool within = source.Number == destination.Number;
        bool idle = false;
        int moved = 0;
        for (int from = Bitmap.Last(source.Used, Geometry.ObjectWords); from >= 0 && moved < MovesPerStep; from--)
        {
            if (!Bitmap.Get(source.Used, from))
                continue;
            int to = Bitmap.FirstInAndNotIn(destination.Backed, destination.Used, Geometry.ObjectWords);
            if ((to < 0 || within && to >= from) && !destination.IsFull)
            {
                // No owned room below: a hole is worth its frame, since it is filled from the end.
                to = CheapestUnbacked(destination);
                if (to < 0 || within && to >= from || !TryBack(destination, to, ReserveUse.Compaction))
                    break;
                idle = true;
            }
            if (to < 0)
                break;
            if (!TryMove(owners, source, from, destination, to))
                continue;
            idle = false;
            moved++;
            bool last = source.Header->Used == 1;
            Vacate(source, from, ref freed);
            if (last)
                break;
        }
        // A frame taken for a move that then did not happen must not stay.
        if (idle)
            DropIdleFrames(destination);
        return moved;
    }

    private bool TryMove(SlotTable owners, Zspage source, int from, Zspage destination, int to)
    {
        ObjectLocation origin = new(source.Number, from, _indexBits);
        // The size is not known yet; the tag does not depend on it.
        _ = ViewOf(source, from, 1, out ulong* tag);
        ulong* slot = owners.Find((uint)*tag);
        if (slot is null)
            return false;
        ulong word = Volatile.Read(ref *slot);
        if (SlotWord.IsLocked(word) || !SlotWord.IsAt(word, origin) || !SlotWord.TryAcquireExclusive(ref *slot, word))
            return false;
        int size = SlotWord.Size(word);
        Occupy(destination, to);
        ObjectView target = ViewOf(destination, to, size, out ulong* targetTag);
        target.CopyFrom(ViewOf(source, from, size, out tag));
        // Read again, now that the slot is held: only then is it surely the tag of this object.
        *targetTag = *tag;
        SlotWord.ReleaseExclusive(ref *slot, SlotWord.MovedTo(word, new ObjectLocation(destination.Number, to, _indexBits)));
        return true;
    }

    private ObjectView ViewOf(Zspage zspage, int index, int size, out ulong* tag) => _layout.View(_arena, (byte*)zspage.Header, index, size, out tag);

    private void DropIdleFrames(Zspage zspage)
    {
        for (int position = 0; position < Geometry.Frames; position++)
        {
            if (!Bitmap.Get(zspage.Owned, position) || !zspage.IsIdle(position))
                continue;
            _arena.Free(zspage.Disown(position));
            _frames--;
        }
        Regroup(zspage);
    }

    /// <summary>
    /// The sparsest zspage as the source, after <paramref name="skip"/> others, and the fullest other as the destination, one with owned room
    /// before one without; the same zspage twice if it is the only one that is not full.
    /// </summary>
    private bool TryFindPair(int skip, out Zspage source, out Zspage destination)
    {
        source = default;
        destination = default;
        if (!TryFindSource(skip, out source))
            return false;
        if (!TryFindDestination(BackedGroups, source.Number, out destination) && !TryFindDestination(0, source.Number, out destination))
        {
            destination = source;
            return true;
        }
        if (destination.Header->Used < source.Header->Used)
            (source, destination) = (destination, source);
        return true;
    }

    private bool TryFindSource(int skip, out Zspage source)
    {
        for (int band = 0; band < Bands; band++)
        {
            foreach (int group in (ReadOnlySpan<int>)[band, band + BackedGroups])
            {
                for (uint head = _heads[group]; head != None; head = Open(head).Header->Next)
                {
                    if (skip-- > 0)
                        continue;
                    source = Open(head);
                    return true;
                }
            }
        }
        source = default;
        return false;
    }

    private bool TryFindDestination(int firstGroup, uint except, out Zspage destination)
    {
        uint groups = _occupied & HoledMask << firstGroup;
        while (groups != 0)
        {
            int group = BitOperations.Log2(groups);
            groups &= ~(1u << group);
            uint head = _heads[group];
            if (head == except)
                head = Open(head).Header->Next;
            if (head == None)
                continue;
            destination = Open(head);
            return true;
        }
        destination = default;
        return false;
    }
}
