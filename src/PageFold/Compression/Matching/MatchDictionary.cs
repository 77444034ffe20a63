using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Matching;

/// <summary>
/// Content that precedes every text, with the finder's table of its positions, made once. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// A position without a candidate in its own text looks into this table. So texts never write it, and nothing is prepared for a text.
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

    // Bits of the tag that lengthen the index of a text's own table: a dictionary may have many more positions than a text.
    private readonly int _moreBits;

    private MatchDictionary(int length, int indexBits, int moreBits)
    {
        Length = length;
        _moreBits = moreBits;
        TableBytes = sizeof(uint) << indexBits + moreBits;
        _table = (uint*)NativeMemory.AllocZeroed((nuint)TableBytes);
    }

    ~MatchDictionary() => NativeMemory.Free(_table);

    /// <summary>Bytes of the dictionary.</summary>
    public int Length { get; }

    /// <summary>Bytes of the table.</summary>
    public int TableBytes { get; }

    /// <summary>Bytes of the table of a dictionary of so many bytes.</summary>
    public static int TableBytesFor<TShape>(int length)
        where TShape : struct, IMatchShape => sizeof(uint) << TShape.IndexBits + MoreBits<TShape>(length);

    /// <summary>Makes the table of a dictionary for texts of a shape.</summary>
    public static MatchDictionary Make<TShape>(ReadOnlySpan<byte> content)
        where TShape : struct, IMatchShape
    {
        int moreBits = MoreBits<TShape>(content.Length);
        MatchDictionary made = new(content.Length, TShape.IndexBits, moreBits);
        // The block behind the content is there for the hashes of the last positions.
        const int Block = 256;
        byte[] padded = new byte[content.Length + 2 * Block];
        content.CopyTo(padded);
        uint* indexes = stackalloc uint[Block];
        uint* entries = stackalloc uint[Block];
        fixed (byte* text = padded)
        {
            for (int start = 0; start < content.Length; start += Block)
            {
                ScalarPath.Hash<TShape>(text + start, indexes, entries, 0, Block);
                // Later positions take the place of earlier ones: they are nearer.
                for (int i = 0; i < Block && start + i + 5 <= content.Length; i++)
                {
                    uint index = Index(indexes[i], entries[i], moreBits);
                    made._table[index] = entries[i] & uint.MaxValue << (32 - TShape.TagBits) | (uint)(start + i);
                }
            }
        }
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
