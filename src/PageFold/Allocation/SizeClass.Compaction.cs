using System.Numerics;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Allocation;

// Compaction of one class: moves objects of the sparsest zspage into the fullest that has room, so that frames, and finally whole zspages,
// are given back.
//
// An object moves only if its owner confirms it and holds it meanwhile: objects that are mapped, being read or not yet published stay.
// Moves go to a zspage that is at least as full, or down within one zspage, so compaction ends. A step moves a few objects and then
// releases the latch of the class for other threads.
internal sealed unsafe partial class SizeClass
{
    private const int MovesPerStep = 16;

    // A class is sparse when more than a sixteenth of its frames are reclaimable. Background compaction brings it below half of that.
    private const int SparseShift = 4;

    // Compaction on request stops below a 512th, where moving costs more than it frees.
    private const int ThoroughShift = 9;

    // How many zspages are skipped because their objects cannot be moved now; each search walks past them. Fewer when an allocation waits.
    private const int MaxStuck = 1024;
    private const int MaxStuckInHaste = 16;

    // The limit of frames moved for each freed frame when an allocation waits.
    private const int MaxFramesMovedPerFrameFreed = 4;

    /// <summary>Frames that would be free if the objects of the class had no gaps between them.</summary>
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

    /// <summary>Compacts until little can be reclaimed, or no object can be moved.</summary>
    /// <param name="owner">The owner of the objects.</param>
    /// <param name="thorough">True: reclaims almost all. False: compacts only a sparse class, until it is clearly not sparse.</param>
    /// <param name="maxFrames">Stops when so many frames are freed, because an allocation waits for them.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public CompactionResult Compact(IObjectOwner owner, bool thorough, long maxFrames, CancellationToken cancellation)
    {
        CompactionResult total = default;
        if (!thorough && !IsSparse)
            return total;
        int stuck = 0;
        bool haste = maxFrames != long.MaxValue;
        int maxStuck = haste ? MaxStuckInHaste : MaxStuck;
        while (total.FramesFreed < maxFrames && stuck < maxStuck && !cancellation.IsCancellationRequested)
        {
            // Moves that freed no frame so far are not lost: the next attempt finds the source emptier.
            if (haste && total.BytesMoved > (total.FramesFreed + 4) * MaxFramesMovedPerFrameFreed * Geometry.FrameSize)
                break;

            CompactionResult step = Step(owner, thorough, stuck, out bool finished);
            total += step;
            if (finished)
                break;
            if (step.ObjectsMoved == 0)
                stuck++;
        }
        return total;
    }

    private CompactionResult Step(IObjectOwner owner, bool thorough, int stuck, out bool finished)
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
                    moved = Move(owner, source, destination, ref freed);
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
    private int Move(IObjectOwner owner, Zspage source, Zspage destination, ref FrameBag freed)
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
                // No free place with owned frames. Taking a frame is worthwhile, because the frame is filled from the end of the source.
                to = FirstUnbacked(destination);
                if (to < 0 || within && to >= from || !TryBack(destination, to, ReserveUse.Compaction))
                    break;
                idle = true;
            }
            if (to < 0)
                break;
            if (!TryMove(owner, source, from, destination, to))
                continue;
            idle = false;
            moved++;
            bool last = source.Header->Used == 1;
            Vacate(source, from, ref freed);
            if (last)
                break;
        }
        // Gives back a frame that was taken for a move that failed.
        if (idle)
            DropIdleFrames(destination);
        return moved;
    }

    private bool TryMove(IObjectOwner owner, Zspage source, int from, Zspage destination, int to)
    {
        ObjectLocation origin = new(source.Number, from, _indexBits);
        ObjectView view = View((byte*)source.Header, from, out ulong* tag);
        ulong owned = *tag;
        if (!owner.TryBeginMove(owned, origin))
            return false;
        Occupy(destination, to);
        ObjectView target = View((byte*)destination.Header, to, out ulong* targetTag);
        target.CopyFrom(view);
        // Read again while the owner holds the object: only now it is certain to be the tag of this object.
        *targetTag = *tag;
        owner.EndMove(owned, origin, new ObjectLocation(destination.Number, to, _indexBits));
        return true;
    }

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
    /// Finds the sparsest zspage as the source, after <paramref name="skip"/> others, and the fullest other as the destination.
    /// </summary>
    /// <remarks>
    /// A destination with a backed free object is preferred. The same zspage is source and destination if it is the only one that is not
    /// full.
    /// </remarks>
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
