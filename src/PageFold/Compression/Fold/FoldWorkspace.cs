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

    public FoldWorkspace(int maxLength, int tableBytes, ReadOnlySpan<byte> dictionary)
    {
        int matches = Round(SequenceParser.MaxMatches(maxLength) * sizeof(ulong));
        int tokens = Round(2 * SequenceParser.MaxMatches(maxLength));
        int extra = Round(2 * SequenceParser.MaxMatches(maxLength) * 3 * Box.MaxBits / 8);
        StreamStride = Round((maxLength / 7 + FoldHeader.MaxSingle) * LiteralCode.MaxBits / 8 + sizeof(ulong));
        int front = Round(maxLength / 4);
        int encoder = 2 * matches + tokens + extra + 7 * StreamStride;
        int decoder = front + 2 * maxLength + Slack;
        int literals = LiteralReader.Front + maxLength + Slack;
        Match = new MatchWorkspace(maxLength, tableBytes, dictionary, literals + Math.Max(encoder, decoder));
        Literals = Match.Extra + LiteralReader.Front;
        First = (ulong*)(Match.Extra + literals);
        Second = First + matches / sizeof(ulong);
        Tokens = (byte*)(Second + matches / sizeof(ulong));
        ExtraBits = Tokens + tokens;
        Streams = ExtraBits + extra;
        Packed = (byte*)First + front;
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
    public byte* Streams { get; }

    /// <summary>Bytes from one stream to the next.</summary>
    public int StreamStride { get; }

    /// <summary>The decoder's copy of the packed bytes.</summary>
    public byte* Packed { get; }

    public void Dispose() => Match.Dispose();

    private static int Round(int bytes) => (bytes + Slack - 1) & -Slack;
}
