using System.Runtime.InteropServices;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold;

/// <summary>
/// What an encoder and its decoder share: 256 boxes, up to 16 literal tables and a dictionary, in the forms that the inner loops read.
/// Immutable and thread-safe; the memory is outside the GC heap.
/// </summary>
internal sealed unsafe class FoldTables
{
    /// <summary>The number of boxes, one for each value of a token.</summary>
    public const int Boxes = 256;

    /// <summary>The most literal tables.</summary>
    public const int MaxLiteralTables = 16;

    /// <summary>Bytes of a token's entry in <see cref="Tokens"/>.</summary>
    public const int TokenStride = 16;

    /// <summary>Where in an entry the byte lies that is -1 for the last distance again, and otherwise 0.</summary>
    public const int RepeatOffset = 12;

    /// <summary>Bytes of a row of <see cref="Periods"/>.</summary>
    public const int PeriodStride = 32;

    /// <summary>Where the match's length begins in a word of three fields.</summary>
    public const int MatchShift = 16;

    /// <summary>Where the distance begins in a word of three fields.</summary>
    public const int DistanceShift = 48;

    private const int Alignment = 64;
    private const int PeriodRows = 16;

    private readonly byte* _memory;
    private readonly Lazy<MatchDictionary?> _small;
    private readonly Lazy<MatchDictionary?> _large;

    /// <summary>Makes the tables; the definition is valid.</summary>
    public FoldTables(FoldDefinition definition)
    {
        Definition = definition;
        int literalTables = definition.LiteralLengths.Count;
        long periods = PeriodRows * PeriodStride;
        long tokens = Boxes * TokenStride;
        long decode = literalTables * (sizeof(ushort) << LiteralCode.MaxBits);
        long encode = literalTables * LiteralCode.Symbols * sizeof(uint);
        long costs = LiteralCode.Symbols * MaxLiteralTables;
        int map = (Cells.MapLength + Alignment - 1) & -Alignment;
        TableBytes = periods + tokens + decode + encode + costs + map;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)TableBytes, Alignment);
        NativeMemory.Clear(_memory, (nuint)TableBytes);
        GC.AddMemoryPressure(TableBytes);
        Periods = _memory;
        Tokens = Periods + periods;
        LiteralDecode = (ushort*)(Tokens + tokens);
        LiteralEncode = (uint*)((byte*)LiteralDecode + decode);
        LiteralCosts = (byte*)LiteralEncode + encode;
        Map = LiteralCosts + costs;
        _small = new(() => definition.Dictionary.IsEmpty ? null : MatchDictionary.Make<SmallShape>(definition.Dictionary.Span));
        _large = new(() => definition.Dictionary.IsEmpty ? null : MatchDictionary.Make<LargeShape>(definition.Dictionary.Span));
        MakePeriods();
        MakeTokens(definition.Boxes);
        MakeMap(definition.Boxes);
        MakeLiterals(definition.LiteralLengths);
    }

    ~FoldTables()
    {
        NativeMemory.AlignedFree(_memory);
        GC.RemoveMemoryPressure(TableBytes);
    }

    /// <summary>What they were made from.</summary>
    public FoldDefinition Definition { get; }

    /// <summary>The most bytes of a set without its dictionary, and with the finder's tables of one.</summary>
    public static long MaxBytes { get; } = PeriodRows * PeriodStride + Boxes * TokenStride + MaxLiteralTables * (sizeof(ushort) << LiteralCode.MaxBits)
        + MaxLiteralTables * LiteralCode.Symbols * sizeof(uint) + LiteralCode.Symbols * MaxLiteralTables + Cells.MapLength + Alignment
        + MatchFinder.TableBytes<SmallShape>() + MatchFinder.TableBytes<LargeShape>();

    /// <summary>Bytes of all of it: the tables, the dictionary and the finder's tables of it.</summary>
    public long Bytes => TableBytes + Definition.Dictionary.Length
        + (Definition.Dictionary.IsEmpty ? 0 : MatchFinder.TableBytes<SmallShape>() + MatchFinder.TableBytes<LargeShape>());

    /// <summary>Bytes of the tables alone.</summary>
    public long TableBytes { get; }

    /// <summary>The dictionary for texts of up to 4 KiB; null for none.</summary>
    public MatchDictionary? SmallDictionary => _small.Value;

    /// <summary>The dictionary for longer texts; null for none.</summary>
    public MatchDictionary? LargeDictionary => _large.Value;

    /// <summary>For each period from 1 to 15: which of its bytes 32 bytes are; row 0 has at each period its longest multiple in 32.</summary>
    public byte* Periods { get; }

    /// <summary>
    /// For each token two words: the places of the extra bits in a word of three fields, and what is added to them.
    /// </summary>
    /// <remarks>A word has the literals, the match's length and the distance less one in 16 bits each, from bit 0, 16 and 48.</remarks>
    public byte* Tokens { get; }

    /// <summary>For each literal table, and each string of 11 bits: the length of the first code and, in the upper byte, its value.</summary>
    public ushort* LiteralDecode { get; }

    /// <summary>For each literal table and value: the length of its code and, from bit 8, the code.</summary>
    public uint* LiteralEncode { get; }

    /// <summary>For each value the length of its code in each of 16 tables.</summary>
    public byte* LiteralCosts { get; }

    /// <summary>For each combination of cells the token of the cheapest box that contains it.</summary>
    public byte* Map { get; }

    private void MakePeriods()
    {
        for (int period = 1; period < PeriodRows; period++)
        {
            for (int i = 0; i < PeriodStride; i++)
                Periods[period * PeriodStride + i] = (byte)(i % period);
            Periods[period] = (byte)(PeriodStride / period * period);
        }
    }

    private void MakeTokens(IReadOnlyList<Box> boxes)
    {
        for (int token = 0; token < Boxes; token++)
        {
            Box box = boxes[token];
            ulong distances = ((1UL << box.DistanceBits) - 1) << box.DistanceShift;
            ulong mask = ((1UL << box.LiteralBits) - 1) | ((1UL << box.MatchBits) - 1) << MatchShift | distances << DistanceShift;
            ulong start = box.LiteralBase | (ulong)box.MatchBase << MatchShift;
            start |= box.IsRepeat ? 0xFFUL << RepeatOffset % sizeof(ulong) * 8 : (ulong)box.DistanceBase << DistanceShift;
            ulong* entry = (ulong*)(Tokens + token * TokenStride);
            entry[0] = mask;
            entry[1] = start;
        }
    }

    private void MakeMap(IReadOnlyList<Box> boxes)
    {
        Span<bool> filled = new bool[Cells.MapLength];
        foreach (int token in Enumerable.Range(0, Boxes).OrderBy(token => boxes[token].ExtraBits))
        {
            Box box = boxes[token];
            int[] literals = [.. Enumerable.Range(0, Cells.LiteralCells).Where(box.HasLiterals)];
            int[] matches = [.. Enumerable.Range(0, Cells.MatchCells).Where(box.HasMatches)];
            foreach (int distance in Enumerable.Range(0, Cells.DistanceCells).Where(box.HasDistances))
            {
                foreach (int literal in literals)
                {
                    foreach (int match in matches)
                    {
                        int cell = distance * Cells.DistanceStride + literal * Cells.LiteralStride + match;
                        if (!filled[cell])
                            Map[cell] = (byte)token;
                        filled[cell] = true;
                    }
                }
            }
        }
    }

    private void MakeLiterals(IReadOnlyList<byte[]> tables)
    {
        // A table that is not there is the most expensive one.
        NativeMemory.Fill(LiteralCosts, LiteralCode.Symbols * MaxLiteralTables, LiteralCode.MaxBits);
        ushort[] codes = new ushort[LiteralCode.Symbols];
        for (int table = 0; table < tables.Count; table++)
        {
            byte[] lengths = tables[table];
            LiteralCode.Assign(lengths, codes);
            ushort* decode = LiteralDecode + (table << LiteralCode.MaxBits);
            for (int symbol = 0; symbol < LiteralCode.Symbols; symbol++)
            {
                int length = lengths[symbol];
                LiteralEncode[table * LiteralCode.Symbols + symbol] = (uint)(length | codes[symbol] << 8);
                LiteralCosts[symbol * MaxLiteralTables + table] = (byte)length;
                for (int bits = codes[symbol]; bits < 1 << LiteralCode.MaxBits; bits += 1 << length)
                    decode[bits] = (ushort)(length | symbol << 8);
            }
        }
    }
}
