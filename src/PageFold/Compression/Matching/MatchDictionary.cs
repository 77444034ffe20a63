using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Matching;

/// <summary>
/// What the finder knows of the content that precedes every text: a table of its positions, and the candidates of them. It is made once,
/// immutable and thread-safe.
/// </summary>
/// <remarks>
/// A position without a candidate in its own text looks into this table. So texts never write it, and nothing is prepared for a text. A
/// parser that goes on to older candidates needs those of the dictionary's positions before those of the text: each workspace has a copy.
/// </remarks>
internal sealed unsafe class MatchDictionary
{
    /// <summary>The longest dictionary.</summary>
    public const int MaxLength = 64 << 10;

    /// <summary>The greatest distance of a match.</summary>
    public const int MaxDistance = ushort.MaxValue;

    /// <summary>Bits of the position in an entry. The tag is where a text's entry has it.</summary>
    public const int PositionBits = 16;

    private readonly uint* _table;

    // Behind the table.
    private readonly ushort* _candidates;
    private readonly int _candidateCount;
    private bool _isFreed;

    // Bits of the tag that lengthen the index of a text's own table: a dictionary may have many more positions than a text.
    private readonly int _moreBits;

    private MatchDictionary(int length, int indexBits, int moreBits, bool hasCandidates)
    {
        Length = length;
        _moreBits = moreBits;
        _candidateCount = hasCandidates ? length : 0;
        int tableBytes = sizeof(uint) << indexBits + moreBits;
        Bytes = tableBytes + _candidateCount * sizeof(ushort);
        _table = (uint*)NativeMemory.AllocZeroed((nuint)Bytes);
        _candidates = (ushort*)((byte*)_table + tableBytes);
    }

    ~MatchDictionary() => Free();

    /// <summary>Bytes of the dictionary.</summary>
    public int Length { get; }

    /// <summary>Bytes of the table and the candidates.</summary>
    public int Bytes { get; }

    /// <summary>
    /// For each position the distance to its candidate, or zero; empty if they were not made. The caller keeps the dictionary alive.
    /// </summary>
    public ReadOnlySpan<ushort> Candidates => new(_candidates, _candidateCount);

    /// <summary>Frees the memory at once; for an owner with whom no thread shares it.</summary>
    public void Free()
    {
        if (_isFreed)
            return;
        _isFreed = true;
        NativeMemory.Free(_table);
    }

    /// <summary>Bytes of the table and the candidates of a dictionary of so many bytes.</summary>
    public static int BytesFor<TShape>(int length)
        where TShape : struct, IMatchShape => (sizeof(uint) << TShape.IndexBits + MoreBits<TShape>(length)) + length * sizeof(ushort);

    /// <summary>Makes what texts of a shape need of a dictionary.</summary>
    /// <param name="content">The dictionary.</param>
    /// <param name="hasCandidates">Also makes the candidates of the dictionary's positions.</param>
    public static MatchDictionary Make<TShape>(ReadOnlySpan<byte> content, bool hasCandidates)
        where TShape : struct, IMatchShape
    {
        int moreBits = MoreBits<TShape>(content.Length);
        MatchDictionary made = new(content.Length, TShape.IndexBits, moreBits, hasCandidates);
        // The block behind the content is there for the hashes of the last positions.
        const int Block = 256;
        int paddedBytes = content.Length + 2 * Block;
        byte* text = (byte*)NativeMemory.AllocZeroed((nuint)paddedBytes);
        content.CopyTo(new Span<byte>(text, paddedBytes));
        uint* indexes = stackalloc uint[Block];
        uint* entries = stackalloc uint[Block];
        for (int start = 0; start < content.Length; start += Block)
        {
            ScalarPath.Hash<TShape>(text + start, indexes, entries, 0, Block);
            // Later positions take the place of earlier ones: they are nearer.
            for (int i = 0; i < Block && start + i + 5 <= content.Length; i++)
            {
                uint* place = made._table + Index(indexes[i], entries[i], moreBits);
                uint entry = entries[i] & uint.MaxValue << (32 - TShape.TagBits) | (uint)(start + i);
                // The same tag: the difference is the distance. A place that is empty looks like that of the first position.
                if (hasCandidates && (entry ^ *place) >> PositionBits == 0)
                    made._candidates[start + i] = (ushort)(entry - *place);
                *place = entry;
            }
        }
        NativeMemory.Free(text);
        return made;
    }

    /// <summary>
    /// Gives the positions of a block that have no candidate in their own text one in the dictionary; nonzero if any has one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public uint Find<TPath, TShape>(MatchWorkspace workspace, int start, int count)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        uint* table = _table;
        int moreBits = _moreBits;
        uint* indexes = workspace.Indexes;
        uint* entries = workspace.Entries;
        ushort* distances = workspace.Candidates + start;
        byte* mask = workspace.Mask + start / 8;
        uint any = 0;
        uint reach = (uint)(Length + start);
        for (int i = 0; i < count; i += 16, mask += 2)
        {
            uint hits = TPath.LookUp<TShape>(table, moreBits, indexes + i, entries + i, reach + (uint)i, distances + i);
            Unsafe.WriteUnaligned(mask, (ushort)hits);
            any |= hits;
        }
        return any;
    }

    /// <summary>Returns an entry's place in the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Index(uint index, uint entry, int moreBits) => index << moreBits | (uint)((ulong)entry >> 32 - moreBits);

    private static int MoreBits<TShape>(int length)
        where TShape : struct, IMatchShape
    {
        int bits = BitOperations.Log2((uint)Math.Max(1, length - 1)) + 1;
        return Math.Clamp(bits - TShape.IndexBits, 0, TShape.TagBits);
    }
}
