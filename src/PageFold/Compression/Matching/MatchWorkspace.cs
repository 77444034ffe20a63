using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.Compression.Matching;

/// <summary>
/// The memory in which one thread at a time looks for matches: a private copy of the text behind the dictionary, the finder's table, and
/// what is known of each position.
/// </summary>
/// <remarks>
/// Not thread-safe. All of it is one block outside the GC heap. The text has so much room on both sides that vectors may be read across
/// its ends. What lies there is never part of a result.
/// </remarks>
internal sealed unsafe class MatchWorkspace : IDisposable
{
    /// <summary>Bytes that may be read, and written, behind the text.</summary>
    public const int Slack = 256;

    // A vector may begin before the dictionary.
    private const int Front = 64;
    private const int Alignment = 64;

    // Positions that are worked on at a time.
    private const int Block = 256;

    [ThreadStatic]
    private static Func<int, nint>? t_makePart;

    // Null if a test made the parts.
    private readonly byte* _block;
    private bool _isDisposed;

    /// <param name="maxLength">The most bytes of a text.</param>
    /// <param name="tableBytes">Bytes of the finder's table.</param>
    /// <param name="dictionary">Content that precedes each text; empty for none.</param>
    /// <param name="older">The candidates of the dictionary's positions; empty if no parser will ask for them.</param>
    /// <param name="extraBytes">Bytes for the encoder that works here, at <see cref="Extra"/>.</param>
    public MatchWorkspace(int maxLength, int tableBytes, ReadOnlySpan<byte> dictionary, ReadOnlySpan<ushort> older, int extraBytes)
    {
        MaxLength = maxLength;
        DictionaryLength = dictionary.Length;
        (int text, int candidates, int mask) = PartsFor(maxLength, dictionary.Length, older.Length);
        Bytes = BytesFor(maxLength, tableBytes, dictionary.Length, older.Length, extraBytes);
        byte* next = null;
        if (t_makePart is null)
        {
            next = _block = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, Alignment);
            NativeMemory.Clear(_block, (nuint)Bytes);
        }
        Table = (uint*)Take(ref next, tableBytes);
        TableBytes = tableBytes;
        Text = Take(ref next, text) + Front + dictionary.Length;
        dictionary.CopyTo(new Span<byte>(Text - dictionary.Length, dictionary.Length));
        Candidates = (ushort*)(Take(ref next, candidates) + Round(older.Length * sizeof(ushort)));
        older.CopyTo(new Span<ushort>(Candidates - older.Length, older.Length));
        Mask = Take(ref next, mask);
        Indexes = (uint*)Take(ref next, Block * sizeof(uint));
        Entries = (uint*)Take(ref next, Block * sizeof(uint));
        Extra = Take(ref next, extraBytes);
    }

    ~MatchWorkspace() => Free();

    /// <summary>
    /// Makes each part of the workspaces that this thread makes from now on, zeroed, in place of one block; null for the block.
    /// </summary>
    /// <remarks>For tests, which put guard pages around the parts. The test frees them.</remarks>
    internal static Func<int, nint>? MakePart
    {
        get => t_makePart;
        set => t_makePart = value;
    }

    /// <summary>True once it is disposed of: its memory is gone.</summary>
    public bool IsDisposed => Volatile.Read(ref _isDisposed);

    /// <summary>Bytes of all of it.</summary>
    public long Bytes { get; }

    /// <summary>The most bytes of a text.</summary>
    public int MaxLength { get; }

    /// <summary>Bytes of the dictionary, which lies right before the text.</summary>
    public int DictionaryLength { get; }

    /// <summary>The text.</summary>
    public byte* Text { get; }

    /// <summary>The finder's table.</summary>
    public uint* Table { get; }

    /// <summary>Bytes of the table.</summary>
    public int TableBytes { get; }

    /// <summary>
    /// For each position the distance to its candidate, or zero. Those of the dictionary's positions lie right before it, if there are any.
    /// </summary>
    public ushort* Candidates { get; }

    /// <summary>A bit for each position, set if it has a candidate.</summary>
    public byte* Mask { get; }

    /// <summary>The table's indexes of a block of positions.</summary>
    public uint* Indexes { get; }

    /// <summary>The entries of a block of positions.</summary>
    public uint* Entries { get; }

    /// <summary>The encoder's own part.</summary>
    public byte* Extra { get; }

    /// <summary>The current text's generation: entries of earlier texts have another one, so that the table need not be cleared.</summary>
    public uint Generation { get; set; }

    /// <summary>Bytes of a workspace.</summary>
    public static long BytesFor(int maxLength, int tableBytes, int dictionaryLength, int olderLength, int extraBytes)
    {
        (int text, int candidates, int mask) = PartsFor(maxLength, dictionaryLength, olderLength);
        return (long)text + tableBytes + candidates + mask + 2 * Block * sizeof(uint) + extraBytes;
    }

    /// <summary>Copies a text, and clears what a hash of its last bytes may see behind it.</summary>
    public void Load(ReadOnlySpan<byte> text)
    {
        fixed (byte* source = text)
            Interop.Block.Copy(Text, source, text.Length);
        Unsafe.InitBlockUnaligned(Text + text.Length, 0, Front);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static (int Text, int Candidates, int Mask) PartsFor(int maxLength, int dictionaryLength, int olderLength)
    {
        int positions = Round(maxLength) + Block;
        int text = Front + dictionaryLength + Round(maxLength) + Slack;
        int candidates = Round(olderLength * sizeof(ushort)) + positions * sizeof(ushort);
        return (Round(text), Round(candidates), Round(positions / 8 + Alignment));
    }

    private static int Round(int bytes) => (bytes + Alignment - 1) & -Alignment;

    private static byte* Take(ref byte* next, int bytes)
    {
        if (t_makePart is { } makePart)
            return (byte*)makePart(bytes);
        byte* taken = next;
        next += bytes;
        return taken;
    }

    private void Free()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        NativeMemory.AlignedFree(_block);
    }
}
