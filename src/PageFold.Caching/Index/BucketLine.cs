using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PageFold.Caching.Index;

/// <summary>
/// Ten entries in a cache line of 64 bytes: header (4), a print of each entry's hash (10), states (10), low parts of locations (40).
/// </summary>
/// <remarks>
/// <para>
/// The header of a bucket's first line is its lock and names a further line (<see cref="BucketLock"/>). All zeros is an empty line.
/// </para>
/// <para>
/// A state byte, from the low end: frequency (2), main (1), pinned (1), high part of the location (3), live (1). Live is the highest bit
/// because one instruction collects the highest bits of all bytes of a vector.
/// </para>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe struct BucketLine
{
    public const int Size = 64;
    public const int Slots = 10;

    private const int PrintsAt = 4;
    private const int StatesAt = 14;
    private const int LocationsAt = 24;
    private const uint AllSlots = (1u << Slots) - 1;
    private const byte Live = 0x80;
    private const int HighShift = 4;
    private const byte HighMask = 7;

    [FieldOffset(0)]
    public uint Header;

    [FieldOffset(PrintsAt)]
    private fixed byte _prints[Slots];

    [FieldOffset(StatesAt)]
    private fixed byte _states[Slots];

    [FieldOffset(LocationsAt)]
    private fixed uint _locations[Slots];

    /// <summary>The slots in use, as a mask.</summary>
    public static uint LiveMask(BucketLine* line) => Vector128.Load((byte*)line + StatesAt).ExtractMostSignificantBits() & AllSlots;

    /// <summary>The slots in use whose print is this one, as a mask.</summary>
    public static uint Match(BucketLine* line, byte print) =>
        Vector128.Equals(Vector128.Load((byte*)line + PrintsAt), Vector128.Create(print)).ExtractMostSignificantBits() & LiveMask(line);

    /// <summary>The free slots, as a mask.</summary>
    public static uint FreeMask(BucketLine* line) => LiveMask(line) ^ AllSlots;

    public static SlotContent Read(BucketLine* line, int slot) => new(line->_locations[slot], line->_states[slot], line->_prints[slot]);

    public static void Write(BucketLine* line, int slot, SlotContent content)
    {
        line->_locations[slot] = content.LowLocation;
        line->_states[slot] = content.State;
        line->_prints[slot] = content.Print;
    }

    /// <summary>Frees a slot.</summary>
    public static void Clear(BucketLine* line, int slot) => Write(line, slot, default);

    /// <summary>Frees all slots; the header stays.</summary>
    public static void ClearSlots(BucketLine* line) => new Span<byte>((byte*)line + PrintsAt, Size - PrintsAt).Clear();

    public static ulong Location(BucketLine* line, int slot) =>
        line->_locations[slot] | (ulong)(uint)(line->_states[slot] >> HighShift & HighMask) << 32;

    /// <summary>Puts another location in place of an entry's; state and print stay.</summary>
    public static void SetLocation(BucketLine* line, int slot, ulong location)
    {
        line->_locations[slot] = (uint)location;
        line->_states[slot] = (byte)(line->_states[slot] & ~(HighMask << HighShift) | (int)(location >> 32) << HighShift);
    }

    public static EntryState State(BucketLine* line, int slot) => new((byte)(line->_states[slot] & EntryState.Mask));

    public static void SetState(BucketLine* line, int slot, EntryState state) =>
        line->_states[slot] = (byte)(line->_states[slot] & ~EntryState.Mask | state.Bits);

    /// <summary>Counts a hit. Readers may do so at once: one of two hits is then lost, which is harmless.</summary>
    public static void Touch(BucketLine* line, int slot)
    {
        byte state = line->_states[slot];
        if (new EntryState(state).Frequency < EntryState.MaxFrequency)
            line->_states[slot] = (byte)(state + 1);
    }

    /// <summary>What a slot in use contains.</summary>
    public readonly record struct SlotContent(uint LowLocation, byte State, byte Print)
    {
        public SlotContent(ulong location, EntryState state, byte print)
            : this((uint)location, (byte)(Live | (int)(location >> 32) << HighShift | state.Bits), print)
        {
        }

        public ulong Location => LowLocation | (ulong)(uint)(State >> HighShift & HighMask) << 32;
    }
}
