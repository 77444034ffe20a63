using PageFold.Compression.Matching;

namespace PageFold.Compression.Lz4;

/// <summary>The memory of one context: the match finder's, the matches of a text, and the decoder's table.</summary>
internal sealed unsafe class Lz4Workspace : IDisposable
{
    private const int Alignment = 64;

    public Lz4Workspace(int maxLength, int tableBytes, ReadOnlySpan<byte> dictionary)
    {
        int matches = MatchBytes(maxLength);
        Match = new MatchWorkspace(maxLength, tableBytes, dictionary, [], 2 * matches + Lz4Periods.Bytes);
        First = (ulong*)Match.Extra;
        Second = First + matches / sizeof(ulong);
        Periods = Match.Extra + 2 * matches;
        Lz4Periods.Make(Periods);
    }

    /// <summary>The match finder's part.</summary>
    public MatchWorkspace Match { get; }

    /// <summary>The matches of the first half.</summary>
    public ulong* First { get; }

    /// <summary>The matches of the second half.</summary>
    public ulong* Second { get; }

    /// <summary>See <see cref="Lz4Periods"/>.</summary>
    public byte* Periods { get; }

    /// <summary>Bytes of a workspace.</summary>
    public static long BytesFor(int maxLength, int tableBytes, int dictionaryLength) =>
        MatchWorkspace.BytesFor(maxLength, tableBytes, dictionaryLength, 0, 2 * MatchBytes(maxLength) + Lz4Periods.Bytes);

    public void Dispose() => Match.Dispose();

    private static int MatchBytes(int maxLength) =>
        (SequenceParser.MaxMatches(maxLength) * sizeof(ulong) + Alignment - 1) & -Alignment;
}

/// <summary>
/// A table for matches that are nearer than a vector's width: for each distance from 1 to 15, which byte of the period each of 32 bytes is.
/// </summary>
/// <remarks>Row 0 has at each period its longest multiple in 32.</remarks>
internal static unsafe class Lz4Periods
{
    /// <summary>Bytes of a row.</summary>
    public const int Stride = 32;

    /// <summary>Distances from here on need no table.</summary>
    public const int Rows = 16;

    /// <summary>Bytes of the table.</summary>
    public const int Bytes = Rows * Stride;

    /// <summary>Fills the table.</summary>
    public static void Make(byte* table)
    {
        for (int period = 1; period < Rows; period++)
        {
            for (int i = 0; i < Stride; i++)
                table[period * Stride + i] = (byte)(i % period);
            table[period] = (byte)(Stride / period * period);
        }
    }
}
