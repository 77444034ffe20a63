using System.Numerics;
using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// One size class: its zspages, listed by fullness, and the lock that guards them.
/// </summary>
/// <remarks>
/// <para>
/// Zspages that are not full are listed in twenty fullness groups: by tenths in use, and apart those that have a free object whose frames are all owned
/// ("backed") from those where the next object costs a frame. An allocation takes the fullest zspage with a backed free object; without one the
/// fullest that has to take a frame; without one a new zspage. So frames are taken only when no owned memory of the class is left. Full zspages are in no list: nobody looks for them, and
/// an object that is freed and soon replaced would have them leave a long list and enter it again, past neighbours that are in no cache.
/// </para>
/// <para>
/// The class's latch guards descriptors, lists and counts. The bytes of an object are its owner's, guarded by its slot. Frames are freed by the
/// caller after it is released, because giving memory back can be a system call.
/// </para>
/// </remarks>
internal sealed unsafe partial class SizeClass
{
    /// <summary>Fullness bands: tenths in use.</summary>
    public const int Bands = 10;

    private const int BackedGroups = Bands;
    private const int Groups = 2 * Bands;

    // In place of a group: full, and so not listed.
    private const int Unlisted = Groups;
    private const uint HoledMask = (1u << Bands) - 1;
    private const uint BackedMask = HoledMask << BackedGroups;
    private const uint None = FrameArena.NoFrame;

    // An object touches two frames, and the last object of a zspage may take the frame of its descriptor with it.
    private const int FramesPerVacate = 3;

    private readonly FrameArena _arena;
    private readonly ZspageTable _zspageTable;
    private readonly ObjectLayout _layout;
    private readonly int _indexBits;

    // What the latch guards lies beside it.
    private Latch _latch;
    private GroupHeads _heads;
    private GroupCounts _listed;
    private uint _occupied;
    private long _objects;
    private long _frames;
    private int _zspages;

    public SizeClass(FrameArena arena, ZspageTable zspages, int number, ZspageGeometry geometry)
    {
        _arena = arena;
        _zspageTable = zspages;
        Number = number;
        Geometry = geometry;
        _layout = new ObjectLayout(geometry);
        _indexBits = geometry.IndexBits;
        ((Span<uint>)_heads).Fill(None);
    }

    public int Number { get; }

    public ZspageGeometry Geometry { get; }

    /// <summary>Frames owned by the class's zspages.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Objects in use.</summary>
    public long Objects => Volatile.Read(ref _objects);

    /// <summary>
    /// Takes an object; false when there is no memory. The caller writes its tag before its slot points at it; what is left of an earlier tag until then harms nothing, because no slot
    /// that it may name points here.
    /// </summary>
    /// <param name="reserve">How far the arena's reserve may be used if there are no other frames.</param>
    /// <param name="location">Where the object is.</param>
    public bool TryAllocate(ReserveUse reserve, out ObjectLocation location)
    {
        _latch.Enter();
        try
        {
            if (!TryChoose(reserve, out Zspage zspage, out int index))
            {
                location = default;
                return false;
            }
            Occupy(zspage, index);
            location = new ObjectLocation(zspage.Number, index, _indexBits);
            return true;
        }
        finally
        {
            _latch.Exit();
        }
    }

    /// <summary>Gives an object back, and the frames that nothing touches any more.</summary>
    /// <returns>True if the class has become sparse enough for compaction to be worth its while.</returns>
    public bool Free(ObjectLocation location)
    {
        FrameBag freed = new(stackalloc uint[FramesPerVacate]);
        bool sparse;
        _latch.Enter();
        try
        {
            Vacate(Open(location.Zspage(_indexBits)), location.Index(_indexBits), ref freed);
            sparse = IsSparse;
        }
        finally
        {
            _latch.Exit();
        }
        freed.FreeAll(_arena);
        return sparse;
    }

    private Zspage Open(uint number) => new(number, _zspageTable.At(number), Geometry);

    /// <summary>Chooses a free object and sees to it that its frames are owned.</summary>
    private bool TryChoose(ReserveUse reserve, out Zspage zspage, out int index)
    {
        if ((_occupied & BackedMask) != 0)
        {
            zspage = Open(_heads[BitOperations.Log2(_occupied & BackedMask)]);
            index = Bitmap.FirstInAndNotIn(zspage.Backed, zspage.Used, Geometry.ObjectWords);
            return true;
        }
        if ((_occupied & HoledMask) != 0)
        {
            zspage = Open(_heads[BitOperations.Log2(_occupied & HoledMask)]);
            index = CheapestUnbacked(zspage);
            return TryBack(zspage, index, reserve);
        }
        index = 0;
        if (!TryAddZspage(reserve, out zspage))
            return false;
        if (TryBack(zspage, index, reserve))
            return true;
        // Without an object the zspage must not stay.
        FrameBag freed = new(stackalloc uint[1]);
        RemoveZspage(zspage, ref freed);
        freed.FreeAll(_arena);
        return false;
    }

    private bool TryAddZspage(ReserveUse reserve, out Zspage zspage)
    {
        zspage = default;
        if (!_zspageTable.TryAdd(Geometry.DescriptorLines, reserve, out uint number))
            return false;
        zspage = Open(number);
        zspage.Initialize((ushort)Number);
        _zspages++;
        Link(zspage, GroupOf(zspage));
        return true;
    }

    private void RemoveZspage(Zspage zspage, ref FrameBag freed)
    {
        Unlink(zspage);
        _zspages--;
        _zspageTable.Remove(zspage.Number, ref freed);
    }

    /// <summary>The free object that needs the fewest frames but does need one, the lowest of those; -1 if there is none.</summary>
    private int CheapestUnbacked(Zspage zspage)
    {
        int best = -1;
        for (int word = 0; word < Geometry.ObjectWords; word++)
        {
            ulong bits = ~(zspage.Used[word] | zspage.Backed[word]);
            for (; bits != 0; bits &= bits - 1)
            {
                int index = word << 6 | BitOperations.TrailingZeroCount(bits);
                if (index >= Geometry.Objects)
                    return best;
                (int first, int last) = Geometry.FramesOf(index);
                if (Bitmap.Get(zspage.Owned, first) || Bitmap.Get(zspage.Owned, last) || first == last)
                    return index;
                if (best < 0)
                    best = index;
            }
        }
        return best;
    }

    /// <summary>Takes the frames that an object lacks; all of them or none.</summary>
    private bool TryBack(Zspage zspage, int index, ReserveUse reserve)
    {
        (int first, int last) = Geometry.FramesOf(index);
        bool tookFirst = false;
        if (!Bitmap.Get(zspage.Owned, first))
        {
            if (!TryOwn(zspage, first, reserve))
                return false;
            tookFirst = true;
        }
        if (Bitmap.Get(zspage.Owned, last) || TryOwn(zspage, last, reserve))
            return true;
        if (tookFirst)
        {
            _arena.Free(zspage.Disown(first));
            _frames--;
        }
        return false;
    }

    private bool TryOwn(Zspage zspage, int position, ReserveUse reserve)
    {
        uint wanted = None;
        if (position > 0 && Bitmap.Get(zspage.Owned, position - 1))
            wanted = zspage.Frames[position - 1] + 1;
        else if (position + 1 < Geometry.Frames && Bitmap.Get(zspage.Owned, position + 1))
            wanted = zspage.Frames[position + 1] - 1;
        if (!_arena.TryAllocate(wanted, reserve, out uint frame))
            return false;
        zspage.Own(position, frame);
        _frames++;
        return true;
    }

    private void Occupy(Zspage zspage, int index)
    {
        Bitmap.Set(zspage.Used, index);
        zspage.Header->Used++;
        zspage.Header->BackedFree--;
        _objects++;
        Regroup(zspage);
    }

    private void Vacate(Zspage zspage, int index, ref FrameBag freed)
    {
        if (!Bitmap.Get(zspage.Used, index))
            Throw.HeapIsCorrupt(zspage.Number, index);
        Bitmap.Clear(zspage.Used, index);
        zspage.Header->Used--;
        zspage.Header->BackedFree++;
        _objects--;
        (int first, int last) = Geometry.FramesOf(index);
        for (int position = first; position <= last; position++)
        {
            if (zspage.IsIdle(position))
            {
                freed.Add(zspage.Disown(position));
                _frames--;
            }
        }
        if (zspage.Header->Used > 0)
        {
            Regroup(zspage);
            return;
        }
        RemoveZspage(zspage, ref freed);
    }

    private int GroupOf(Zspage zspage)
    {
        ZspageHeader* header = zspage.Header;
        if (header->Used == Geometry.Objects)
            return Unlisted;
        return header->Used * Bands / Geometry.Objects + (header->BackedFree > 0 ? BackedGroups : 0);
    }

    private void Regroup(Zspage zspage)
    {
        int group = GroupOf(zspage);
        if (group == zspage.Header->Group)
            return;
        Unlink(zspage);
        Link(zspage, group);
    }

    private void Link(Zspage zspage, int group)
    {
        zspage.Header->Group = (ushort)group;
        if (group == Unlisted)
            return;
        _listed[group]++;
        uint next = _heads[group];
        zspage.Header->Next = next;
        if (next != None)
            Open(next).Header->Previous = zspage.Number;
        _heads[group] = zspage.Number;
        _occupied |= 1u << group;
    }

    private void Unlink(Zspage zspage)
    {
        ZspageHeader* header = zspage.Header;
        int group = header->Group;
        if (group == Unlisted)
            return;
        _listed[group]--;
        uint next = header->Next;
        if (_heads[group] == zspage.Number)
        {
            // The new head's link back is not looked at while it is the head: that spares a line which is in no cache.
            _heads[group] = next;
            if (next == None)
                _occupied &= ~(1u << group);
            return;
        }
        Open(header->Previous).Header->Next = next;
        if (next != None)
            Open(next).Header->Previous = header->Previous;
    }

    /// <summary>The number of the first zspage of each fullness group.</summary>
    [System.Runtime.CompilerServices.InlineArray(Groups)]
    private struct GroupHeads
    {
        private uint _first;
    }

    /// <summary>How many zspages each fullness group lists.</summary>
    [System.Runtime.CompilerServices.InlineArray(Groups)]
    private struct GroupCounts
    {
        private int _first;
    }
}
