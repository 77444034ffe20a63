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

    // Set in the number of contexts when no further one may begin.
    private const int Closed = 1 << 30;

    private readonly byte* _memory;
    private bool _isFreed;
    private int _contexts;
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
        MakeMap(definition.Boxes, [], new Span<byte>(Map, Cells.MapLength));
        MakeMap(definition.Boxes, definition.TokenLengths, new Span<byte>(CodedMap, Cells.MapLength));
    }

    ~FoldTables() => FreeTables();

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

    /// <summary>True once the memory is gone.</summary>
    public bool IsFreed => Volatile.Read(ref _isFreed);

    /// <summary>Begins the use by a context; false if the tables are closed.</summary>
    public bool TryUse()
    {
        int seen = Volatile.Read(ref _contexts);
        while ((seen & Closed) == 0)
        {
            int before = Interlocked.CompareExchange(ref _contexts, seen + 1, seen);
            if (before == seen)
                return true;
            seen = before;
        }
        return false;
    }

    /// <summary>Ends the use by a context.</summary>
    public void EndUse()
    {
        if (Interlocked.Decrement(ref _contexts) == Closed)
            Free();
    }

    /// <summary>Lets no context begin any more; the last one that ends frees the memory, or this method if there is none.</summary>
    public void Close()
    {
        if (Interlocked.Or(ref _contexts, Closed) == 0)
            Free();
    }

    /// <summary>Frees the memory at once; for an owner with whom no codec shares it.</summary>
    public void Free()
    {
        FreeTables();
        if (_small.IsValueCreated)
            _small.Value?.Free();
        if (_large.IsValueCreated)
            _large.Value?.Free();
    }

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

    /// <summary>Finds for each combination of cells the token of the cheapest box that contains it.</summary>
    /// <param name="boxes">The boxes.</param>
    /// <param name="tokenLengths">The codes of tokens; none for tokens as they are.</param>
    /// <param name="map">Receives the tokens.</param>
    public static void MakeMap(IReadOnlyList<Box> boxes, IReadOnlyList<byte[]> tokenLengths, Span<byte> map)
    {
        Span<double> costs = stackalloc double[Boxes];
        Span<int> order = stackalloc int[Boxes];
        for (int token = 0; token < Boxes; token++)
        {
            // A token as it is has 8 bits whatever it is; coded ones are cheaper or dearer.
            int bits = 0;
            foreach (byte[] lengths in tokenLengths)
                bits += lengths[token];
            costs[token] = boxes[token].ExtraBits + (double)bits / Math.Max(1, tokenLengths.Count);
            order[token] = token;
        }
        SortByCost(order, costs);
        Span<bool> filled = stackalloc bool[Cells.MapLength];
        filled.Clear();
        map.Clear();
        Span<int> literals = stackalloc int[Cells.LiteralCells];
        Span<int> matches = stackalloc int[Cells.MatchCells];
        foreach (int token in order)
        {
            Box box = boxes[token];
            int literalCount = 0;
            for (int cell = 0; cell < Cells.LiteralCells; cell++)
            {
                if (box.HasLiterals(cell))
                    literals[literalCount++] = cell;
            }
            int matchCount = 0;
            for (int cell = 0; cell < Cells.MatchCells; cell++)
            {
                if (box.HasMatches(cell))
                    matches[matchCount++] = cell;
            }
            for (int distance = 0; distance < Cells.DistanceCells; distance++)
            {
                if (box.HasDistances(distance))
                    FillMap(map, filled, (byte)token, distance, literals[..literalCount], matches[..matchCount]);
            }
        }
    }

    private static void FillMap(
        Span<byte> map, Span<bool> filled, byte token, int distance, ReadOnlySpan<int> literals, ReadOnlySpan<int> matches)
    {
        foreach (int literal in literals)
        {
            foreach (int match in matches)
            {
                int cell = Cells.Place(distance, literal, match);
                if (!filled[cell])
                    map[cell] = token;
                filled[cell] = true;
            }
        }
    }

    /// <summary>Sorts tokens by insertion: of those that cost the same, the lower one comes first.</summary>
    private static void SortByCost(Span<int> order, ReadOnlySpan<double> costs)
    {
        for (int i = 1; i < order.Length; i++)
        {
            int token = order[i];
            int place = i;
            for (; place > 0 && costs[order[place - 1]] > costs[token]; place--)
                order[place] = order[place - 1];
            order[place] = token;
        }
    }

    private void FreeTables()
    {
        if (_isFreed)
            return;
        _isFreed = true;
        NativeMemory.AlignedFree(_memory);
        GC.RemoveMemoryPressure(TableBytes);
    }

    private static long BytesFor(int literalCodes, int tokenCodes) => PeriodRows * PeriodStride + Boxes * TokenStride
        + PrefixTables.BytesFor(literalCodes) + PrefixTables.BytesFor(tokenCodes) + 2 * MapBytes;
}
