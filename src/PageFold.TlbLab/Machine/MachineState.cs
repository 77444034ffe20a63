using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.TlbLab;

/// <summary>
/// The complete state of the simulated machine at one moment, in one cache line; <see cref="MachineLayout"/> has the fields.
/// </summary>
[InlineArray(Size)]
internal struct MachineState : IEquatable<MachineState>
{
    public const int Size = 64;
    private byte _first;

    public readonly bool Equals(MachineState other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is MachineState other && Equals(other);

    public override readonly int GetHashCode() => (int)Hash();

    /// <summary>Hashes all bytes by multiplying and mixing eight at a time.</summary>
    public readonly ulong Hash()
    {
        ulong hash = 0;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>((ReadOnlySpan<byte>)this))
        {
            hash = (hash ^ word) * 0x9E37_79B9_7F4A_7C15;
            hash ^= hash >> 29;
        }
        return hash ^ (hash >> 32);
    }
}
