using System.Numerics;
using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// The descriptors of zspages, many to a frame. A zspage is named by where its descriptor lies. All descriptors of a gigabyte of pages are a megabyte, close together, so that loading a page
/// finds its zspage's descriptor in a cache and its translation in the TLB; in the zspage's own first frame it would be one more miss of both on the way to the page.
/// </summary>
/// <remarks>
/// A frame that holds descriptors is a slab: first a header, of one line up to frames of 16 KiB, then lines of 64 bytes for descriptors that all have the same length in lines. Slabs with room are
/// listed by that length. A slab goes back when its last descriptor goes; what stays is its entry in the directory, 8 bytes, for the next slab. Thread-safe: adding and removing take a latch, under a class's latch and over the arena's lock; looking up takes none.
/// </remarks>
internal sealed unsafe class ZspageTable(FrameArena arena)
{
    /// <summary>Bytes of a line, the unit of descriptors.</summary>
    public const int LineBytes = 64;

    private const int LineShift = 6;
    private const int DirectoryShift = 9;
    private const uint None = uint.MaxValue;

    // What a zspage's number has room for.
    private readonly uint _mostSlabs = 1u << SlotWord.LocationBits - ZspageGeometry.IndexBitsFor(arena.FrameShift) - (arena.FrameShift - LineShift);
    private readonly int _lineBits = arena.FrameShift - LineShift;
    private readonly int _headerLines = (sizeof(Slab) + arena.FrameSize / LineBytes / 8 + LineBytes - 1) / LineBytes;
    private readonly BlockArray<SlabEntry> _slabs = new(arena.Budget, DirectoryShift);
    private readonly uint[] _withRoom = NewLists(arena.FrameSize / LineBytes);
    private Latch _latch;

    // The last number whose slab went, to be used again before new ones.
    private uint _freeNumber = None;
    private uint _nextNumber;
    private long _slabCount;

    /// <summary>Bytes of slabs and of the way to them.</summary>
    public long Bytes => (Volatile.Read(ref _slabCount) << arena.FrameShift) + _slabs.Bytes;

    /// <summary>The descriptor of a zspage that the caller knows to be there, or to have been: of one that is gone it may be any address of the arena.</summary>
    public byte* At(uint zspage)
    {
        uint frame = _slabs.Find(zspage >> _lineBits)->Frame;
        return arena.AddressOf(frame - 1) + ((zspage & (1u << _lineBits) - 1) << LineShift);
    }

    /// <summary>Finds room for a descriptor, with whatever content; false when there is no memory.</summary>
    /// <param name="lines">Its length in lines.</param>
    /// <param name="reserve">How far the arena's reserve may be used if there are no other frames.</param>
    /// <param name="zspage">The zspage's number.</param>
    public bool TryAdd(int lines, ReserveUse reserve, out uint zspage)
    {
        _latch.Enter();
        try
        {
            zspage = None;
            uint number = _withRoom[lines];
            if (number == None && !TryAddSlab(lines, reserve, out number))
                return false;
            Slab* slab = SlabAt(number);
            int word = 0;
            ulong* free = FreePlaces(slab);
            while (free[word] == 0)
                word++;
            int place = word << 6 | BitOperations.TrailingZeroCount(free[word]);
            free[word] &= free[word] - 1;
            if (++slab->Count == slab->Capacity)
                Unlink(slab, number);
            zspage = number << _lineBits | (uint)(_headerLines + place * lines);
            return true;
        }
        finally
        {
            _latch.Exit();
        }
    }

    /// <summary>Takes a descriptor away, and its slab's frame if it was the last there.</summary>
    public void Remove(uint zspage, ref FrameBag freed)
    {
        _latch.Enter();
        try
        {
            uint number = zspage >> _lineBits;
            Slab* slab = SlabAt(number);
            int place = ((int)(zspage & (1u << _lineBits) - 1) - _headerLines) / slab->Lines;
            Bitmap.Set(FreePlaces(slab), place);
            if (slab->Count-- == slab->Capacity)
                Link(slab, number);
            if (slab->Count > 0)
                return;
            Unlink(slab, number);
            SlabEntry* entry = _slabs.Find(number);
            freed.Add(entry->Frame - 1);
            // The number still leads to memory of the arena: a thread that looks at a zspage that is gone finds something, which it then does not believe.
            entry->NextFree = _freeNumber;
            _freeNumber = number;
            _slabCount--;
        }
        finally
        {
            _latch.Exit();
        }
    }

    /// <summary>Gives the way to the slabs back; nobody looks at a zspage any more. The slabs' frames go with the arena.</summary>
    public void Free()
    {
        _slabs.Free();
        _slabCount = 0;
    }

    private static uint[] NewLists(int lines)
    {
        uint[] lists = new uint[lines];
        Array.Fill(lists, None);
        return lists;
    }

    private Slab* SlabAt(uint number) => (Slab*)arena.AddressOf(_slabs.Find(number)->Frame - 1);

    private bool TryAddSlab(int lines, ReserveUse reserve, out uint number)
    {
        bool again = _freeNumber != None;
        number = again ? _freeNumber : _nextNumber;
        if (number >= _mostSlabs || !_slabs.TryEnsure(number, out SlabEntry* entry) || !arena.TryAllocateForTable(reserve, out uint frame))
            return false;
        if (again)
            _freeNumber = entry->NextFree;
        else
            _nextNumber++;
        Volatile.Write(ref entry->Frame, frame + 1);
        _slabCount++;
        Slab* slab = SlabAt(number);
        *slab = default;
        slab->Lines = (ushort)lines;
        slab->Capacity = (ushort)(((1 << _lineBits) - _headerLines) / lines);
        ulong* free = FreePlaces(slab);
        new Span<ulong>(free, (1 << _lineBits) + 63 >> 6).Clear();
        for (int place = 0; place < slab->Capacity; place++)
            Bitmap.Set(free, place);
        Link(slab, number);
        return true;
    }

    private void Link(Slab* slab, uint number)
    {
        ref uint first = ref _withRoom[slab->Lines];
        slab->Previous = None;
        slab->Next = first;
        if (first != None)
            SlabAt(first)->Previous = number;
        first = number;
    }

    private void Unlink(Slab* slab, uint number)
    {
        if (slab->Previous == None)
            _withRoom[slab->Lines] = slab->Next;
        else
            SlabAt(slab->Previous)->Next = slab->Next;
        if (slab->Next != None)
            SlabAt(slab->Next)->Previous = slab->Previous;
    }

    /// <summary>A bit a place: free. It follows the slab's header.</summary>
    private static ulong* FreePlaces(Slab* slab) => (ulong*)(slab + 1);

    /// <summary>An entry of the directory.</summary>
    private struct SlabEntry
    {
        /// <summary>The slab's frame plus one; of a slab that went, the frame that it had.</summary>
        public uint Frame;

        /// <summary>Of a slab that went: the number of the one that went before it and has not been used again.</summary>
        public uint NextFree;
    }

    /// <summary>The beginning of a slab.</summary>
    private struct Slab
    {
        public ushort Lines;
        public ushort Count;
        public ushort Capacity;

        /// <summary>Neighbours among the slabs with room for descriptors of this length.</summary>
        public uint Previous;
        public uint Next;
    }
}
