using System.Runtime.CompilerServices;
using PageFold.Frames;

namespace PageFold.Compression.Fold.Training;

/// <summary>For each string of a few bytes the number of texts that contain it, by its hash. Used by one thread.</summary>
internal sealed unsafe class SubstringCounts : IDisposable
{
    private const ulong Factor = 0x9E37_79B9_7F4A_7C15;
    private const int MinBits = 16;
    private const int MaxBits = 22;

    private readonly BorrowedMemory _memory;
    private readonly NativeBuffer _buffer;

    // No count is greater than this type can say: of more texts than that it does not matter.
    private readonly ushort* _counts;

    // While strings are counted, the last text that had the string; then how often the string is in a chooser's window.
    private readonly ushort* _inWindow;

    // A bit for each place, set if the string is worth anything. Most are not, and the bits fit the cache where the counts do not.
    private readonly ulong* _common;
    private readonly int _shift;
    private readonly int _unused;

    /// <param name="texts">The texts.</param>
    /// <param name="length">Bytes of a string: 4 to 8.</param>
    /// <param name="work">The training.</param>
    public SubstringCounts(IReadOnlyList<ReadOnlyMemory<byte>> texts, int length, TrainingWork work)
    {
        Length = length;
        _unused = 8 * (sizeof(ulong) - length);
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> text in texts)
            bytes += text.Length;
        int bits = BitsFor(bytes);
        _shift = 64 - bits;
        Places = 1 << bits;
        _memory = work.Memory;
        _buffer = _memory.Allocate(WorkBytes(bytes));
        _counts = (ushort*)_buffer.Pointer;
        _inWindow = _counts + Places;
        _common = (ulong*)(_inWindow + Places);
        try
        {
            Count(texts, work);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of a string.</summary>
    public int Length { get; }

    /// <summary>The number of places.</summary>
    public int Places { get; }

    /// <summary>The number of other texts that have the string of a place, which is common.</summary>
    public int this[int place] => _counts[place] - 1;

    /// <summary>Bytes that counting takes: two numbers for each place, and a bit.</summary>
    /// <param name="bytes">Bytes of all texts.</param>
    public static long WorkBytes(long bytes) => ((2L * sizeof(ushort)) << BitsFor(bytes)) + (1L << BitsFor(bytes) - 3);

    /// <summary>True if other texts have the string of a place, and it was not cleared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCommon(int place) => (_common[place / 64] >> place & 1) != 0;

    /// <summary>Returns the place of the string at a position with eight bytes behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Place(ReadOnlySpan<byte> text, int at) =>
        (int)((BitConverter.ToUInt64(text[at..]) << _unused) * Factor >> _shift);

    /// <summary>How often a string is in the window of who chooses; zero to begin with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref ushort InWindow(int place) => ref _inWindow[place];

    /// <summary>Makes a string worth nothing any more.</summary>
    public void Clear(int place) => _common[place / 64] &= ~(1UL << place);

    public void Dispose() => _memory.Free(_buffer);

    private void Count(IReadOnlyList<ReadOnlyMemory<byte>> texts, TrainingWork work)
    {
        ushort* last = _inWindow;
        for (int i = 0; i < texts.Count; i++)
        {
            work.Check();
            // A text counts once. A number that comes again is that of a text long before.
            ushort number = (ushort)(i % ushort.MaxValue + 1);
            ReadOnlySpan<byte> text = texts[i].Span;
            for (int at = 0; at + sizeof(ulong) <= text.Length; at++)
            {
                int place = Place(text, at);
                if (last[place] == number)
                    continue;
                last[place] = number;
                if (_counts[place] < ushort.MaxValue)
                    _counts[place]++;
            }
        }
        for (int place = 0; place < Places; place++)
        {
            if (_counts[place] > 1)
                _common[place / 64] |= 1UL << place;
        }
        new Span<ushort>(last, Places).Clear();
    }

    private static int BitsFor(long bytes) => Math.Clamp(64 - (int)ulong.LeadingZeroCount((ulong)bytes), MinBits, MaxBits);
}
