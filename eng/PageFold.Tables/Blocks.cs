using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace PageFold.Tables;

/// <summary>Takes texts of all lengths from blocks of 64 KiB of real data.</summary>
internal static class Blocks
{
    /// <summary>Bytes of a block.</summary>
    public const int Length = 64 << 10;

    // Texts of each length from one block: neighbours are alike.
    private const int MostOfBlock = 4;

    /// <summary>Returns a number that puts items into an order that looks random and is the same for the same names.</summary>
    public static ulong Order(string name) => XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(name), seed: 1);

    /// <summary>True if no set has room for more texts of a kind.</summary>
    public static bool AreFull(IEnumerable<TextSet> sets, string source, string kind, double share, bool isHeldOut) =>
        sets.All(set => set.IsFull(source, kind, share, isHeldOut));

    /// <summary>Adds some of a block's texts of each length.</summary>
    /// <param name="sets">The sets.</param>
    /// <param name="source">Where the block is from.</param>
    /// <param name="kind">What it is of that source.</param>
    /// <param name="share">The part of the source's room that is for the kind.</param>
    /// <param name="isHeldOut">Which half it belongs to.</param>
    /// <param name="block">A block, or the end of a file.</param>
    public static void Add(IEnumerable<TextSet> sets, string source, string kind, double share, bool isHeldOut, ReadOnlySpan<byte> block)
    {
        foreach (TextSet set in sets)
        {
            int count = (block.Length + set.Length - 1) / set.Length;
            int first = count > MostOfBlock ? (int)(Start(block) % (uint)(count / MostOfBlock)) : 0;
            byte[] text = new byte[set.Length];
            for (int i = 0; i < Math.Min(count, MostOfBlock); i++)
            {
                ReadOnlySpan<byte> part = block[((first + i * Math.Max(1, count / MostOfBlock)) * set.Length)..];
                part = part[..Math.Min(part.Length, set.Length)];
                // The end of a file is a page with zeros behind it. A short one is typical of the smallest pages only.
                if (part.Length < set.Length / 2 && set.Length > 4096 || set.IsFull(source, kind, share, isHeldOut))
                    continue;
                part.CopyTo(text);
                text.AsSpan(part.Length).Clear();
                set.Add(source, kind, isHeldOut, text);
            }
        }
    }

    private static uint Start(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt32LittleEndian(XxHash32.Hash(block));
}
