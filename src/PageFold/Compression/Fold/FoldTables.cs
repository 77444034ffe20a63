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
    private const int MapBytes = (Cells.MapLength + Alignment - 1) & -Alignment;

    private readonly byte* _memory;
    private readonly Lazy<MatchDictionary?> _small;
    private readonly Lazy<MatchDictionary?> _large;

    /// <summary>Makes the tables; the definition is valid.</summary>
    public FoldTables(FoldDefinition definition)
    {
        Definition = definition;
        TableBytes = BytesFor(definition.LiteralLengths.Count, definition.TokenLengths.Count);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)TableBytes, Alignment);
        NativeMemory.Clear(_memory, (nuint)TableBytes);
        GC.AddMemoryPressure(TableBytes);
        Periods = _memory;
        Tokens = Periods + PeriodRows * PeriodStride;
        byte* next = Tokens + Boxes * TokenStride;
        LiteralCodes = new PrefixTables(definition.LiteralLengths, ref next);
        TokenCodes = new PrefixTables(definition.TokenLengths, ref next);
        Map = next;
        CodedMap = next + MapBytes;
        _small = new(() => Make<SmallShape>(definition.Dictionary));
        _large = new(() => Make<LargeShape>(definition.Dictionary));
        MakePeriods();
        MakeTokens(definition.Boxes);
        // A token as it is has 8 bits whatever it is; coded ones are cheaper or dearer.
        MakeMap(Map, definition.Boxes, token => definition.Boxes[token].ExtraBits);
        int codes = Math.Max(1, TokenCodes.Count);
        MakeMap(CodedMap, definition.Boxes,
            token => definition.Boxes[token].ExtraBits + (double)definition.TokenLengths.Sum(lengths => lengths[token]) / codes);
    }

    ~FoldTables()
    {
        NativeMemory.AlignedFree(_memory);
        GC.RemoveMemoryPressure(TableBytes);
    }

    /// <summary>What they were made from.</summary>
    public FoldDefinition Definition { get; }

    /// <summary>The most bytes of a set without its dictionary.</summary>
    public static long MaxBytes { get; } = BytesFor(PrefixTables.Max, PrefixTables.Max);

    /// <summary>Bytes of all of it: the tables, the dictionary and what the finder knows of it.</summary>
    public long Bytes => TableBytes + DictionaryBytes(Definition.Dictionary.Length);

    /// <summary>Bytes of a dictionary and what the finder knows of it; zero for none.</summary>
    public static long DictionaryBytes(int length) => length == 0 ? 0
        : length + MatchDictionary.BytesFor<SmallShape>(length) + MatchDictionary.BytesFor<LargeShape>(length);

    /// <summary>Bytes of the tables alone.</summary>
    public long TableBytes { get; }

    /// <summary>The dictionary for texts of up to 4 KiB; null for none.</summary>
    public MatchDictionary? SmallDictionary => _small.Value;

    /// <summary>The dictionary for longer texts; null for none.</summary>
    public MatchDictionary? LargeDictionary => _large.Value;

    /// <summary>
    /// For each period from 1 to 15: which of its bytes 32 bytes are; row 0 has at each period its longest multiple in 32.
    /// </summary>
    public byte* Periods { get; }

    /// <summary>
    /// For each token two words: the places of the extra bits in a word of three fields, and what is added to them.
    /// </summary>
    /// <remarks>A word has the literals, the match's length and the distance less one in 16 bits each, from bit 0, 16 and 48.</remarks>
    public byte* Tokens { get; }

    /// <summary>The codes of literals.</summary>
    public PrefixTables LiteralCodes { get; }

    /// <summary>The codes of tokens.</summary>
    public PrefixTables TokenCodes { get; }

    /// <summary>For each combination of cells the token of the cheapest box that contains it.</summary>
    public byte* Map { get; }

    /// <summary>As <see cref="Map"/>, where tokens are coded.</summary>
    public byte* CodedMap { get; }

    private static MatchDictionary? Make<TShape>(ReadOnlyMemory<byte> dictionary)
        where TShape : struct, IMatchShape =>
        dictionary.IsEmpty ? null : MatchDictionary.Make<TShape>(dictionary.Span, hasCandidates: true);

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

    private static void MakeMap(byte* map, IReadOnlyList<Box> boxes, Func<int, double> cost)
    {
        Span<bool> filled = new bool[Cells.MapLength];
        foreach (int token in Enumerable.Range(0, Boxes).OrderBy(cost))
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
                        int cell = Cells.Place(distance, literal, match);
                        if (!filled[cell])
                            map[cell] = (byte)token;
                        filled[cell] = true;
                    }
                }
            }
        }
    }

    private static long BytesFor(int literalCodes, int tokenCodes) => PeriodRows * PeriodStride + Boxes * TokenStride
        + PrefixTables.BytesFor(literalCodes) + PrefixTables.BytesFor(tokenCodes) + 2 * MapBytes;
}
