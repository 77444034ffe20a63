namespace PageFold.Compression.Fold;

/// <summary>Up to 15 prefix codes of 256 symbols, in the forms that the inner loops read.</summary>
/// <remarks>The memory is that of the <see cref="FoldTables"/>.</remarks>
internal readonly unsafe struct PrefixTables
{
    /// <summary>The most codes. Their numbers begin with 1: zero says that symbols are as they are.</summary>
    public const int Max = 15;

    /// <summary>Places in a row of <see cref="Costs"/>.</summary>
    public const int CostStride = 16;

    private const int Symbols = PrefixCode.Symbols;

    /// <param name="lengths">For each code the lengths of its symbols' codes.</param>
    /// <param name="memory">Memory of <see cref="BytesFor"/>, which moves on.</param>
    public PrefixTables(IReadOnlyList<byte[]> lengths, ref byte* memory)
    {
        Count = lengths.Count;
        Decode = (ushort*)memory;
        memory += Count * (sizeof(ushort) << PrefixCode.MaxBits);
        Encode = (uint*)memory;
        memory += Count * Symbols * sizeof(uint);
        Costs = memory;
        memory += Symbols * CostStride;
        // A code that is not there is the most expensive one.
        new Span<byte>(Costs, Symbols * CostStride).Fill(PrefixCode.MaxBits);
        ushort[] codes = new ushort[Symbols];
        for (int code = 0; code < Count; code++)
            Fill(code, lengths[code], codes);
    }

    /// <summary>The number of codes.</summary>
    public int Count { get; }

    /// <summary>
    /// For each code, and each string of 11 bits: the length of the first symbol's code and, in the upper byte, the symbol.
    /// </summary>
    public ushort* Decode { get; }

    /// <summary>For each code and symbol: the length of its code and, from bit 8, the code.</summary>
    public uint* Encode { get; }

    /// <summary>For each symbol the length in each of 16 codes.</summary>
    public byte* Costs { get; }

    /// <summary>Bytes of so many codes.</summary>
    public static long BytesFor(int count) =>
        count * ((sizeof(ushort) << PrefixCode.MaxBits) + (long)Symbols * sizeof(uint)) + Symbols * CostStride;

    private void Fill(int code, byte[] lengths, ushort[] codes)
    {
        PrefixCode.Assign(lengths, codes);
        ushort* decode = Decode + (code << PrefixCode.MaxBits);
        for (int symbol = 0; symbol < Symbols; symbol++)
        {
            int length = lengths[symbol];
            Encode[code * Symbols + symbol] = (uint)(length | codes[symbol] << 8);
            Costs[symbol * CostStride + code] = (byte)length;
            for (int bits = codes[symbol]; bits < 1 << PrefixCode.MaxBits; bits += 1 << length)
                decode[bits] = (ushort)(length | symbol << 8);
        }
    }
}
