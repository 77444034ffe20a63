namespace PageFold;

/// <summary>
/// The place of an object in a heap: 35 bits, the number of its zspage and, in the low bits, its index there.
/// </summary>
/// <remarks>
/// An owner keeps locations in as few bits as it likes (<see cref="Bits"/> is below 2^<see cref="BitCount"/>) and gives them back
/// unchanged. How many bits the index has depends on the frame size, so only the heap takes a location apart.
/// </remarks>
/// <param name="Bits">The location as a number.</param>
public readonly record struct ObjectLocation(ulong Bits)
{
    /// <summary>Bits of a location.</summary>
    public const int BitCount = 35;

    internal ObjectLocation(uint zspage, int index, int indexBits)
        : this((ulong)zspage << indexBits | (uint)index)
    {
    }

    internal uint Zspage(int indexBits) => (uint)(Bits >> indexBits);

    internal int Index(int indexBits) => (int)Bits & (1 << indexBits) - 1;
}
