using System.Numerics;
using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>A size class: its zspages, listed by fullness, and the latch that guards them.</summary>
/// <remarks>
/// <para>
/// Zspages that are not full are listed in twenty fullness groups: by tenths in use, and by whether they have a free object whose frames
/// are all owned ("backed"). An allocation takes a backed free object of the fullest zspage that has one; otherwise a free object of the
/// fullest zspage, with new frames; otherwise it makes a new zspage. So frames are taken only when the class has no owned memory left. Full
/// zspages are in no list: no search needs them, and an object that is freed and soon replaced would make its zspage leave and enter a
/// list, past neighbours that are in no cache.
/// </para>
/// <para>
/// The latch guards descriptors, lists and counts. The bytes of an object belong to its owner and are guarded by its slot. The caller frees
/// frames after it releases the latch, because giving memory back can be a system call.
/// </para>
/// </remarks>
internal sealed unsafe partial class SizeClass
{
    /// <summary>Fullness bands: tenths in use.</summary>
    public const int Bands = 10;

    private const int BackedGroups = Bands;
    private const int Groups = 2 * Bands;

    // Instead of a group: the zspage is full and in no list.
    private const int Unlisted = Groups;
    private const uint HoledMask = (1u << Bands) - 1;
    private const uint BackedMask = HoledMask << BackedGroups;
    private const uint None = FrameArena.NoFrame;

    // An object touches two frames, and the last descriptor of a slab frees the slab's frame.
    private const int FramesPerVacate = 3;

    private readonly FrameArena _arena;
    private readonly ZspageTable _zspageTable;
    private readonly ObjectLayout _layout;
    private readonly int _indexBits;

    // The fields that the latch guards follow it.
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

    /// <summary>Objects in use.</summary>
    public long Objects => Volatile.Read(ref _objects);

    /// <summary>Allocates an object; false when there is no memory.</summary>
    /// <remarks>
    /// The caller writes the object's tag before its slot points at it. Until then the tag of an earlier object is harmless: no slot that
    /// it names points here.
    /// </remarks>
    /// <param name="reserve">How far the arena's reserve may be used if there is no other frame.</param>
    /// <param name="location">The location of the object.</param>
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

    /// <summary>Frees an object, and the frames that no object touches any more.</summary>
    /// <returns>True if the class is sparse, so that compaction is worthwhile.</returns>
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

    /// <summary>All bytes of an object, of which its owner may have stored fewer, and its tag.</summary>
    public ObjectView View(byte* descriptor, int index, out ulong* tag) =>
        _layout.View(_arena, descriptor, index, Geometry.ObjectSize, out tag);

    private Zspage Open(uint number) => new(number, _zspageTable.At(number), Geometry);

    /// <summary>Chooses a free object and takes the frame that it lacks.</summary>
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
            index = FirstUnbacked(zspage);
            return TryBack(zspage, index, reserve);
        }
        index = 0;
        if (!TryAddZspage(reserve, out zspage))
            return false;
        if (TryBack(zspage, index, reserve))
            return true;
        // A zspage without objects must not stay.
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

    /// <summary>The lowest free object that lacks a frame; -1 if there is none.</summary>
    /// <remarks>
    /// It lacks only one. The object before it has all its frames and ends in the first frame of this one, or where a frame ends; and an
    /// object that begins with a frame lies in that frame alone.
    /// </remarks>
    private int FirstUnbacked(Zspage zspage)
    {
        int index = Bitmap.FirstInNeither(zspage.Used, zspage.Backed, Geometry.ObjectWords);
        return index < Geometry.Objects ? index : -1;
    }

    /// <summary>Takes the frame that the first unbacked object lacks.</summary>
    private bool TryBack(Zspage zspage, int index, ReserveUse reserve)
    {
        (int first, int last) = Geometry.FramesOf(index);
        return TryOwn(zspage, Bitmap.Get(zspage.Owned, first) ? last : first, reserve);
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
            HeapThrow.HeapIsCorrupt(zspage.Number, index);
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
            // The link back of the new head is not written while it is the head: that saves an access to a line that is in no cache.
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
