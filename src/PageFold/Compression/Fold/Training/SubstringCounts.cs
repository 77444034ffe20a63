using System.Runtime.CompilerServices;

namespace PageFold.Compression.Fold.Training;

/// <summary>For each string of a few bytes the number of texts that contain it, by its hash.</summary>
internal sealed class SubstringCounts
{
    private const ulong Factor = 0x9E37_79B9_7F4A_7C15;
    private const int MinBits = 16;
    private const int MaxBits = 22;

    private readonly int[] _counts;

    // A bit for each place, set if the string is worth anything. Most are not, and the bits fit the cache where the counts do not.
    private readonly ulong[] _common;
    private readonly int _shift;
    private readonly int _unused;

    /// <param name="texts">The texts.</param>
    /// <param name="length">Bytes of a string: 4 to 8.</param>
    /// <param name="cancellation">Ends the counting.</param>
    public SubstringCounts(IReadOnlyList<ReadOnlyMemory<byte>> texts, int length, CancellationToken cancellation)
    {
        Length = length;
        _unused = 8 * (sizeof(ulong) - length);
        long bytes = texts.Sum(text => (long)text.Length);
        int bits = BitsFor(bytes);
        _shift = 64 - bits;
        _counts = new int[1 << bits];
        // The last text that had the string, so that a text counts once.
        int[] last = new int[_counts.Length];
        for (int i = 0; i < texts.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> text = texts[i].Span;
            for (int at = 0; at + sizeof(ulong) <= text.Length; at++)
            {
                int place = Place(text, at);
                if (last[place] == i + 1)
                    continue;
                last[place] = i + 1;
                _counts[place]++;
            }
        }
        _common = new ulong[(_counts.Length + 63) / 64];
        for (int place = 0; place < _counts.Length; place++)
        {
            if (_counts[place] > 1)
                _common[place / 64] |= 1UL << place;
        }
    }

    /// <summary>Bytes of a string.</summary>
    public int Length { get; }

    /// <summary>The most bytes that counting takes, with those of a chooser: 12 for each place, and a bit.</summary>
    /// <param name="bytes">Bytes of all texts.</param>
    public static long MaxWorkBytes(long bytes) => 13L << BitsFor(bytes);

    /// <summary>The number of places.</summary>
    public int Places => _counts.Length;

    /// <summary>The number of other texts that have the string of a place, which is common.</summary>
    public int this[int place] => _counts[place] - 1;

    /// <summary>True if other texts have the string of a place, and it was not cleared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCommon(int place) => (_common[place / 64] >> place & 1) != 0;

    /// <summary>Returns the place of the string at a position with eight bytes behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Place(ReadOnlySpan<byte> text, int at) =>
        (int)((BitConverter.ToUInt64(text[at..]) << _unused) * Factor >> _shift);

    /// <summary>Makes a string worth nothing any more.</summary>
    public void Clear(int place) => _common[place / 64] &= ~(1UL << place);

    private static int BitsFor(long bytes) => Math.Clamp(64 - (int)ulong.LeadingZeroCount((ulong)bytes), MinBits, MaxBits);
}
