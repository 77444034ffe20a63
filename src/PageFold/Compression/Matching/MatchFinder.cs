using System.Runtime.CompilerServices;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Matching;

/// <summary>
/// Finds for every position of a text the last earlier position that probably begins with the same five bytes: its candidate.
/// </summary>
/// <remarks>
/// <para>
/// An encoder for short texts spends most of its time waiting: for the table, for the candidate's bytes, for a branch that depends on
/// them. Here nothing depends on what was found before. The hashes of a block of 256 positions are computed as vectors. Then each position
/// exchanges its entry in the table with the entry that was there. An entry is a tag (more bits of the hash), the text's generation and
/// the position, so one subtraction of the two entries tells everything: if the tag and the generation are the same, the difference is the
/// distance, and less than a text's length; otherwise it is greater. The candidate's bytes are not read. A tag of 10 bits or more is
/// rarely wrong, and the parser compares the bytes anyway.
/// </para>
/// <para>
/// A new text counts the generation up instead of clearing the table. It counts by two: the entries of two texts then never differ by
/// less than a text's length.
/// </para>
/// </remarks>
internal static unsafe class MatchFinder
{
    /// <summary>The factor of the multiplicative hash: 2^32 divided by the golden ratio.</summary>
    public const uint Factor = 0x9E3779B1;

    private const int Block = 256;
    private const int Step = 32;

    // A position this close to the end has no candidate: fewer than five bytes are left, or hardly more.
    private const int Tail = 8;

    // Texts from this length on are first sampled for any candidate at all.
    private const int MinSampled = 2048;

    /// <summary>Bytes of the table for texts of this shape.</summary>
    public static int TableBytes<TShape>()
        where TShape : struct, IMatchShape => sizeof(uint) << TShape.IndexBits;

    /// <summary>Finds the candidates of the text in a workspace; false if it seems to have none.</summary>
    /// <param name="workspace">Holds the text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="dictionary">What precedes the text; null for nothing.</param>
    public static bool Find<TPath, TShape>(MatchWorkspace workspace, int length, MatchDictionary? dictionary)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        NextGeneration<TShape>(workspace);
        if (dictionary is not null)
        {
            Find<TPath, TShape>(workspace, 0, length, dictionary);
        }
        else if (length < MinSampled)
        {
            Find<TPath, TShape>(workspace, 0, length, null);
        }
        else
        {
            int quarter = length / 4 & -Block;
            if (Find<TPath, TShape>(workspace, 0, quarter, null))
            {
                Find<TPath, TShape>(workspace, quarter, length, null);
            }
            else
            {
                // Two more samples, and then all of it: the samples' positions must not be in the table.
                int second = length / 2 & -Block;
                int third = (length / 2 + length / 4 + length / 16) & -Block;
                if (!Find<TPath, TShape>(workspace, second, second + Block, null)
                    && !Find<TPath, TShape>(workspace, third, Math.Min(third + Block, length), null))
                {
                    return false;
                }
                NextGeneration<TShape>(workspace);
                Find<TPath, TShape>(workspace, 0, length, null);
            }
        }
        EndMask(workspace.Mask, length);
        return true;
    }

    /// <summary>Finds the candidates from one position, a multiple of 256, to another; true if there is any.</summary>
    private static bool Find<TPath, TShape>(MatchWorkspace workspace, int from, int to, MatchDictionary? dictionary)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        uint any = 0;
        for (int start = from; start < to; start += Block)
        {
            int count = Math.Min(Block, (to - start + Step - 1) & -Step);
            uint first = workspace.Generation << TShape.PositionBits | (uint)start;
            TPath.Hash<TShape>(workspace.Text + start, workspace.Indexes, workspace.Entries, first, count);
            any |= Exchange<TPath, TShape>(workspace, start, count);
            if (dictionary is not null)
                any |= dictionary.Find<TPath, TShape>(workspace, start, count);
        }
        return any != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Exchange<TPath, TShape>(MatchWorkspace workspace, int start, int count)
        where TPath : struct, IInstructionPath
        where TShape : struct, IMatchShape
    {
        uint* table = workspace.Table;
        uint* indexes = workspace.Indexes;
        uint* entries = workspace.Entries;
        ushort* distances = workspace.Candidates + start;
        byte* mask = workspace.Mask + start / 8;
        uint any = 0;
        for (uint* end = indexes + count; indexes < end; indexes += 16, entries += 16, distances += 16, mask += 2)
        {
            uint hits = TPath.Exchange<TShape>(table, indexes, entries, distances);
            Unsafe.WriteUnaligned(mask, (ushort)hits);
            any |= hits;
        }
        return any;
    }

    private static void NextGeneration<TShape>(MatchWorkspace workspace)
        where TShape : struct, IMatchShape
    {
        workspace.Generation += 2;
        if (workspace.Generation >> (32 - TShape.TagBits - TShape.PositionBits) == 0)
            return;
        Unsafe.InitBlockUnaligned(workspace.Table, 0, (uint)workspace.TableBytes);
        workspace.Generation = 2;
    }

    /// <summary>Clears the bits of the last positions and of those behind the end.</summary>
    private static void EndMask(byte* mask, int length)
    {
        int end = Math.Max(0, length - Tail);
        mask += end / 8;
        *mask &= (byte)((1 << (end & 7)) - 1);
        // A parser reads eight bytes from any position of the text.
        Unsafe.WriteUnaligned(mask + 1, 0UL);
        Unsafe.WriteUnaligned(mask + 9, 0UL);
    }
}
