using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold;

/// <summary>The memory of one context: the match finder's, and the parts of a text on their way in or out.</summary>
/// <remarks>
/// A decoder's copy of the packed bytes takes the place of the encoder's parts. It has so much room on both sides that no stream, however
/// damaged, can be read beyond it: literal streams at most 11 bits a literal to either side, and literals as they are a text's length
/// behind the packed bytes.
/// </remarks>
internal sealed unsafe class FoldWorkspace : IDisposable
{
    private const int Slack = 256;

    /// <param name="maxLength">The most bytes of a text.</param>
    /// <param name="tableBytes">Bytes of the finder's table.</param>
    /// <param name="dictionary">Content that precedes each text; empty for none.</param>
    /// <param name="older">The candidates of the dictionary's positions; empty if no parser will ask for them.</param>
    public FoldWorkspace(int maxLength, int tableBytes, ReadOnlySpan<byte> dictionary, ReadOnlySpan<ushort> older)
    {
        Layout layout = new(maxLength);
        StreamStride = layout.StreamStride;
        Match = new MatchWorkspace(maxLength, tableBytes, dictionary, older, layout.Bytes);
        Literals = Match.Extra + SymbolReader.Front;
        First = (ulong*)(Match.Extra + layout.Literals);
        Second = First + layout.Matches / sizeof(ulong);
        Tokens = (byte*)(Second + layout.Matches / sizeof(ulong));
        ExtraBits = Tokens + layout.Tokens;
        LiteralStreams = ExtraBits + layout.ExtraBits;
        TokenStreams = LiteralStreams + SymbolBlock.MaxStreams * StreamStride;
        DecodedTokens = (byte*)First + SymbolReader.Front;
        Packed = (byte*)First + layout.Literals + layout.Front;
    }

    /// <summary>The match finder's part.</summary>
    public MatchWorkspace Match { get; }

    /// <summary>The literals of a text, with room before and behind them.</summary>
    public byte* Literals { get; }

    /// <summary>The matches of the first half.</summary>
    public ulong* First { get; }

    /// <summary>The matches of the second half.</summary>
    public ulong* Second { get; }

    /// <summary>The tokens.</summary>
    public byte* Tokens { get; }

    /// <summary>The extra bits, upwards.</summary>
    public byte* ExtraBits { get; }

    /// <summary>The coded literals, upwards, each stream <see cref="StreamStride"/> behind the one before.</summary>
    public byte* LiteralStreams { get; }

    /// <summary>The coded tokens, likewise.</summary>
    public byte* TokenStreams { get; }

    /// <summary>Bytes from one stream to the next.</summary>
    public int StreamStride { get; }

    /// <summary>The decoder's tokens, with room before and behind them.</summary>
    public byte* DecodedTokens { get; }

    /// <summary>The decoder's copy of the packed bytes.</summary>
    public byte* Packed { get; }

    /// <summary>Bytes of a workspace.</summary>
    public static long BytesFor(int maxLength, int tableBytes, int dictionaryLength, int olderLength) =>
        MatchWorkspace.BytesFor(maxLength, tableBytes, dictionaryLength, olderLength, new Layout(maxLength).Bytes);

    public void Dispose() => Match.Dispose();

    private static int Round(int bytes) => (bytes + Slack - 1) & -Slack;

    /// <summary>The sizes of the parts.</summary>
    private readonly struct Layout
    {
        public Layout(int maxLength)
        {
            int matches = 2 * SequenceParser.MaxMatches(maxLength);
            Matches = Round(matches / 2 * sizeof(ulong));
            Tokens = Round(matches);
            ExtraBits = Round(matches * 3 * Box.MaxBits / 8);
            StreamStride = Round((maxLength / SymbolBlock.MaxStreams + SymbolBlock.MaxSingle) * PrefixCode.MaxBits / 8 + sizeof(ulong));
            Front = Round(maxLength / 4);
            Literals = SymbolReader.Front + Round(maxLength + Slack);
            int encoder = 2 * Matches + Tokens + ExtraBits + 2 * SymbolBlock.MaxStreams * StreamStride;
            // As many tokens as there can be literals.
            int decoder = Literals + Front + 2 * maxLength + 2 * Slack;
            Bytes = Literals + Math.Max(encoder, decoder);
        }

        public int Matches { get; }

        public int Tokens { get; }

        public int ExtraBits { get; }

        public int StreamStride { get; }

        /// <summary>Room before the packed bytes.</summary>
        public int Front { get; }

        public int Literals { get; }

        public int Bytes { get; }
    }
}
