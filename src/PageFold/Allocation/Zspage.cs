using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.Allocation;

/// <summary>The first bytes of a zspage's descriptor.</summary>
/// <remarks>Guarded by the latch of its class; <see cref="Class"/> never changes while the zspage exists.</remarks>
[StructLayout(LayoutKind.Sequential, Size = ZspageGeometry.HeaderBytes)]
internal struct ZspageHeader
{
    /// <summary>The number of the size class.</summary>
    public ushort Class;

    /// <summary>The fullness group that lists the zspage.</summary>
    public ushort Group;

    /// <summary>Objects in use.</summary>
    public ushort Used;

    /// <summary>Free objects whose frames are all owned: they cost no frame.</summary>
    public ushort BackedFree;

    /// <summary>The number of the previous zspage in the group's list; undefined in the first.</summary>
    public uint Previous;

    /// <summary>The number of the next zspage in the list.</summary>
    public uint Next;
}

/// <summary>A zspage: its descriptor in the <see cref="ZspageTable"/>, and the geometry of its class.</summary>
internal readonly unsafe struct Zspage(uint number, byte* descriptor, ZspageGeometry geometry)
{
    /// <summary>The location of the descriptor in the table, which names the zspage.</summary>
    public uint Number { get; } = number;

    public ZspageHeader* Header
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (ZspageHeader*)descriptor;
    }

    /// <summary>One bit for each frame: owned.</summary>
    public ulong* Owned => (ulong*)(descriptor + ZspageGeometry.OwnedOffset);

    /// <summary>One bit for each object: in use.</summary>
    public ulong* Used => (ulong*)(descriptor + geometry.UsedOffset);

    /// <summary>One bit for each object: all frames that it touches are owned.</summary>
    public ulong* Backed => (ulong*)(descriptor + geometry.BackedOffset);

    /// <summary>The frames of the chain, by position; defined where owned.</summary>
    public uint* Frames => (uint*)(descriptor + geometry.FramesOffset);

    public bool IsFull => Header->Used == geometry.Objects;

    /// <summary>Makes a new, empty zspage that owns no frame.</summary>
    public void Initialize(ushort classNumber)
    {
        new Span<byte>(descriptor, geometry.DescriptorBytes).Clear();
        Header->Class = classNumber;
    }

    /// <summary>Adds a frame at a position of the chain.</summary>
    public void Own(int position, uint frame)
    {
        Frames[position] = frame;
        Bitmap.Set(Owned, position);
        (int first, int last) = geometry.ObjectsIn(position);
        for (int index = first; index <= last; index++)
        {
            (int from, int to) = geometry.FramesOf(index);
            if (Bitmap.Get(Owned, from) && Bitmap.Get(Owned, to))
            {
                Bitmap.Set(Backed, index);
                Header->BackedFree++;
            }
        }
    }

    /// <summary>Removes and returns the frame at a position of the chain, which no object in use touches.</summary>
    public uint Disown(int position)
    {
        Bitmap.Clear(Owned, position);
        (int first, int last) = geometry.ObjectsIn(position);
        for (int index = first; index <= last; index++)
        {
            if (Bitmap.Get(Backed, index))
            {
                Bitmap.Clear(Backed, index);
                Header->BackedFree--;
            }
        }
        return Frames[position];
    }

    /// <summary>True if no object in use touches the frame at a position.</summary>
    public bool IsIdle(int position)
    {
        (int first, int last) = geometry.ObjectsIn(position);
        return !Bitmap.AnyInRange(Used, first, last);
    }
}
