namespace PageFold;

/// <summary>The name of an object in a <see cref="ZsPool"/>, valid from Allocate to Free even when the object moves.</summary>
/// <remarks>
/// <para>
/// The default value names nothing. From the low end: slot number (28 bits), generation (24 bits), pool (12 bits). Each free increments the
/// generation of the slot, so stale handles are refused. A slot whose generations are used up is retired, so within a pool a stale handle
/// is never taken for a valid one. That costs 12 bytes of tables for every 16,777,215 frees of one slot.
/// </para>
/// <para>
/// Two pools that are open at the same time never share a pool number, and a number is reused after 4,095 pools at the earliest. The slots
/// of the next pool with a number start one generation above the highest that the previous pool used, so every later pool refuses handles
/// of a pool that was disposed. One case remains: when the pools with one number have together used up 2^24 generations, the next pool
/// starts at a random generation. A handle kept since then that is passed to such a pool names an object of it with a probability of one
/// in 16,777,216.
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

    /// <summary>Formats the parts of the handle, for messages and debuggers.</summary>
    public override string ToString() => IsNull ? "null" : $"{Pool}:{Slot}#{Generation}";
}
