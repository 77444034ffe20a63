namespace PageFold.Compression.Paths;

/// <summary>
/// What the inner loops of the codecs need of a processor, once for each family of instructions. The loops are generic over a path, so the
/// compiler makes a copy of them for each, without a branch or a call.
/// </summary>
/// <remarks>
/// All paths compute the same: an encoder writes the same bytes on every path, and every decoder reads them. The methods read and write
/// exactly the bytes that they name, and check nothing.
/// </remarks>
internal unsafe interface IInstructionPath
{
    /// <summary>The path's name, for reports and tests.</summary>
    public static abstract string Name { get; }

    /// <summary>True if this processor has the instructions.</summary>
    public static abstract bool IsSupported { get; }

    /// <summary>Compares 32 bytes of both sides; bit i of the result is set where byte i is the same.</summary>
    public static abstract uint EqualBytes(byte* a, byte* b);

    /// <summary>Copies 16 bytes. They are all read before the first is written.</summary>
    public static abstract void Copy16(byte* to, byte* from);

    /// <summary>Copies 32 bytes. They are all read before the first is written.</summary>
    public static abstract void Copy32(byte* to, byte* from);

    /// <summary>Writes a period of 1 to 15 bytes again and again, 32 bytes in all. Reads 16 bytes from <paramref name="period"/>.</summary>
    /// <param name="to">Where it is written.</param>
    /// <param name="period">The bytes that repeat.</param>
    /// <param name="indexes">For each of the 32 bytes, which byte of the period it is.</param>
    public static abstract void Repeat32(byte* to, byte* period, byte* indexes);

    /// <summary>As <see cref="Repeat32"/>, but writes up to <paramref name="end"/> and less than 64 bytes beyond.</summary>
    /// <param name="to">Where it is written.</param>
    /// <param name="period">The bytes that repeat.</param>
    /// <param name="indexes">For each of 32 bytes, which byte of the period it is.</param>
    /// <param name="step">The longest multiple of the period in 32 bytes.</param>
    /// <param name="end">Where it may end.</param>
    public static abstract void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end);

    /// <summary>Moves the lowest bits of <paramref name="bits"/> to the places that the mask has set, in order.</summary>
    /// <remarks>A mask has three runs: from bit 0, from bit 16, and from bit 48 or 51. The first two end within 16 bits.</remarks>
    public static abstract ulong Deposit(ulong bits, ulong mask);

    /// <summary>The inverse of <see cref="Deposit"/>.</summary>
    public static abstract ulong Extract(ulong fields, ulong mask);

    /// <summary>Counts the bits that are set.</summary>
    public static abstract nint CountBits(ulong value);

    /// <summary>Counts the zeros below the lowest bit that is set; 64 if there is none.</summary>
    public static abstract nint TrailingZeros(ulong value);

    /// <summary>Counts the zeros above the highest bit that is set; 64 if there is none.</summary>
    public static abstract nint LeadingZeros(ulong value);

    /// <summary>Hashes the five bytes at each of <paramref name="count"/> positions; see <see cref="Matching.MatchFinder"/>.</summary>
    /// <param name="text">The first position; 16 bytes more than the positions are read.</param>
    /// <param name="indexes">Receives for each position its place in the table.</param>
    /// <param name="entries">Receives for each position its entry.</param>
    /// <param name="first">The first position's entry without its tag.</param>
    /// <param name="count">A multiple of 32.</param>
    public static abstract void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, Matching.IMatchShape;

    /// <summary>Exchanges the entries of 16 positions with those that were there, in order of the positions.</summary>
    /// <param name="table">The table.</param>
    /// <param name="indexes">Their places in the table.</param>
    /// <param name="entries">Their entries.</param>
    /// <param name="distances">Receives the distance to the candidate; zero for none.</param>
    /// <returns>A bit for each position, set if it has a candidate.</returns>
    public static abstract uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, Matching.IMatchShape;

    /// <summary>Gives those of 16 positions that have no distance one to a candidate in a dictionary.</summary>
    /// <param name="table">The dictionary's table; see <see cref="Matching.MatchDictionary"/>.</param>
    /// <param name="moreBits">Bits of the tag that lengthen an index.</param>
    /// <param name="indexes">The positions' places in the table of texts; a path may overwrite them.</param>
    /// <param name="entries">Their entries.</param>
    /// <param name="reach">How far behind the dictionary's first byte the first position is.</param>
    /// <param name="distances">The distances; zero for none.</param>
    /// <returns>A bit for each position, set if it has a distance now.</returns>
    public static abstract uint LookUp<TShape>(
        uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, Matching.IMatchShape;
}
