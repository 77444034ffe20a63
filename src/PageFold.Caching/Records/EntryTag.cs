namespace PageFold.Caching.Records;

/// <summary>
/// The tag of an object: 31 bits of its key's hash, which lead compaction to the entry; whether it is a piece; and 32 bits more, the
/// checksum of an entry or the number of a piece.
/// </summary>
internal readonly record struct EntryTag(ulong Bits)
{
    public const uint HashMask = int.MaxValue;

    private const uint Piece = 1u << 31;

    public uint Hash => (uint)Bits & HashMask;

    /// <summary>True for a part of a large value; its entry lists it.</summary>
    public bool IsPiece => ((uint)Bits & Piece) != 0;

    /// <summary>The checksum of an entry.</summary>
    public uint Checksum => (uint)(Bits >> 32);

    /// <summary>The number of a piece in its entry.</summary>
    public uint Number => (uint)(Bits >> 32);

    public static EntryTag ForEntry(uint hash, uint checksum) => new(hash | (ulong)checksum << 32);

    public static EntryTag ForPiece(uint hash, uint number) => new(hash | Piece | (ulong)number << 32);
}
