using System.Numerics;
using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>The descriptors of zspages, many to a frame. A zspage is named by the location of its descriptor.</summary>
/// <remarks>
/// All descriptors for a gigabyte of pages take a megabyte, close together. So a load finds a descriptor in the cache and its translation
/// in the TLB; in the zspage's own first frame it would miss both once more.
/// A frame of descriptors is a slab: a header (one line for frames up to 16 KiB), then lines of 64 bytes for descriptors that all have the
/// same length in lines. Slabs with room are listed by that length. A slab is freed with its last descriptor; its entry of 8 bytes in the
/// directory stays for the next slab. Thread-safe: adding and removing take a latch, under a class's latch and before the arena's
/// lock; looking up takes none.
/// </remarks>
internal sealed unsafe class ZspageTable(FrameArena arena)
{
    /// <summary>Bytes of a line, the unit of descriptors.</summary>
    public const int LineBytes = 64;

    private const int LineShift = 6;
    private const int DirectoryShift = 9;
    private const uint None = uint.MaxValue;

    // The number of slabs that a zspage's number can address.
    private readonly uint _maxSlabs =
        1u << SlotWord.LocationBits - ZspageGeometry.IndexBitsFor(arena.FrameShift) - (arena.FrameShift - LineShift);
    private readonly int _lineBits = arena.FrameShift - LineShift;
    private readonly int _headerLines = (sizeof(Slab) + arena.FrameSize / LineBytes / 8 + LineBytes - 1) / LineBytes;
    private readonly BlockArray<SlabEntry> _slabs = new(arena.Budget, DirectoryShift);
    private readonly uint[] _withRoom = NewLists(arena.FrameSize / LineBytes);
    private Latch _latch;

    // The number of the slab that was freed last; freed numbers are used before new ones.
    private uint _freeNumber = None;
    private uint _nextNumber;
    private long _slabCount;

    /// <summary>The descriptor of a zspage that exists or has existed; if it is gone, the address may be any in the arena.</summary>
    public byte* At(uint zspage)
    {
        uint frame = _slabs.Find(zspage >> _lineBits)->Frame;
        return arena.AddressOf(frame - 1) + ((zspage & (1u << _lineBits) - 1) << LineShift);
    }

    /// <summary>Adds a descriptor with undefined content; false when there is no memory.</summary>
    /// <param name="lines">Its length in lines.</param>
    /// <param name="reserve">How far the arena's reserve may be used if there is no other frame.</param>
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

    /// <summary>Removes a descriptor, and its slab's frame if it was the last there.</summary>
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
            // The number still leads to memory of the arena: a thread that reads a zspage that is gone finds some content, and then rejects
            // it.
            entry->NextFree = _freeNumber;
            _freeNumber = number;
            _slabCount--;
        }
        finally
        {
            _latch.Exit();
        }
    }

    /// <summary>Frees the directory; no thread reads a zspage any more.</summary>
    /// <remarks>The frames of slabs are freed with the arena.</remarks>
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
        if (number >= _maxSlabs || !_slabs.TryEnsure(number, out SlabEntry* entry) || !arena.TryAllocateForTable(reserve, out uint frame))
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

    /// <summary>One bit for each place, set if it is free.</summary>
    /// <remarks>The bits follow the slab's header.</remarks>
    private static ulong* FreePlaces(Slab* slab) => (ulong*)(slab + 1);

    /// <summary>An entry of the directory.</summary>
    private struct SlabEntry
    {
        /// <summary>The slab's frame plus one; for a freed slab, its last frame plus one.</summary>
        public uint Frame;

        /// <summary>For a freed slab: the number of the slab that was freed before and has not been used again.</summary>
        public uint NextFree;
    }

    /// <summary>The beginning of a slab.</summary>
    private struct Slab
    {
        public ushort Lines;
        public ushort Count;
        public ushort Capacity;

        /// <summary>Neighbours in the list of slabs with room for descriptors of this length.</summary>
        public uint Previous;
        public uint Next;
    }
}
