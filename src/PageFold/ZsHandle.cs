namespace PageFold;

/// <summary>
/// The name of an object in a <see cref="ZsPool"/>, valid from Allocate to Free while the object may move. The default value names nothing.
/// </summary>
/// <remarks>
/// <para>
/// From the low end: slot number (28 bits), generation (24 bits), pool (12 bits). A slot's generation counts up each time its object is freed, so a stale
/// handle is refused; a slot whose generations are used up is retired instead of used again, so within a pool a stale handle is never taken
/// for a live one. That costs 12 bytes of tables for every 16,777,215 frees of one slot.
/// </para>
/// <para>
/// Two pools that are open at the same time never share a pool number, and a number is taken up again after 4,095 pools at the earliest.
/// The slots of the next pool with a number begin one generation past the highest that the one before has reached, so a handle of a pool
/// that was disposed is refused by every later pool too. What remains: when the pools with one number have together used up 2^24
/// generations, the next begins at a random one; a handle kept since then that is presented to such a pool names a live object of the slot
/// with a probability of one in 16,777,216.
/// </para>
/// </remarks>
public readonly record struct ZsHandle
{
    internal const int SlotBits = 28;
    internal const int GenerationBits = 24;
    internal const int PoolBits = 12;
    internal const uint MaxSlots = 1u << SlotBits;
    internal const uint MaxGeneration = (1u << GenerationBits) - 1;

    private readonly ulong _value;

    internal ZsHandle(uint slot, uint generation, uint pool) =>
        _value = slot | (ulong)generation << SlotBits | (ulong)pool << SlotBits + GenerationBits;

    /// <summary>True for the default value, which names no object of any pool.</summary>
    public bool IsNull => _value == 0;

    internal uint Slot => (uint)_value & MaxSlots - 1;

    internal uint Generation => (uint)(_value >> SlotBits) & MaxGeneration;

    internal uint Pool => (uint)(_value >> SlotBits + GenerationBits);

    /// <summary>The handle's parts, for messages and debuggers.</summary>
    public override string ToString() => IsNull ? "null" : $"{Pool}:{Slot}#{Generation}";
}
