using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Tables;

/// <summary>Takes texts from the private memory of a running process that is present.</summary>
internal static class ProcessTexts
{
    /// <summary>The source's name.</summary>
    public const string Source = "memory";

    private const ulong Present = 1UL << 63;

    // Neighbours belong to the same half.
    private const int HalfBlocks = 16;

    /// <summary>Adds texts to all sets until the process has its share, in an order that looks random.</summary>
    /// <param name="sets">The sets.</param>
    /// <param name="pid">The process.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="share">The part of all texts that are from processes.</param>
    public static void Take(IReadOnlyList<TextSet> sets, int pid, string kind, double share)
    {
        using SafeFileHandle memory = File.OpenHandle($"/proc/{pid}/mem");
        byte[] block = new byte[Blocks.Length];
        IEnumerable<long> blocks = FindBlocks(pid).OrderBy(address => Blocks.Order(Name(kind, address / Blocks.Length)));
        foreach (long address in blocks)
        {
            bool isHeldOut = HoldOut.Contains(Name(kind, address / (HalfBlocks * Blocks.Length)));
            if (Blocks.AreFull(sets, Source, kind, share, isHeldOut))
                continue;
            try
            {
                if (RandomAccess.Read(memory, block, address) == block.Length)
                    Blocks.Add(sets, Source, kind, share, isHeldOut, block);
            }
            catch (IOException)
            {
                // The process has unmapped it.
            }
        }
    }

    private static string Name(string kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{kind}:{number:x}");

    /// <summary>Returns the addresses of the blocks of which every page is present.</summary>
    private static List<long> FindBlocks(int pid)
    {
        List<long> blocks = [];
        using SafeFileHandle pagemap = File.OpenHandle($"/proc/{pid}/pagemap");
        int perBlock = Blocks.Length / Environment.SystemPageSize;
        byte[] entries = new byte[perBlock * sizeof(ulong)];
        foreach (string line in File.ReadLines($"/proc/{pid}/maps"))
        {
            // 7f1c4e600000-7f1c4e628000 r--p 00000000 fe:00 1234  /usr/lib/libc.so.6
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] range = fields[0].Split('-');
            if (fields[1][0] != 'r' || fields[1][3] != 'p' || fields is [_, _, _, _, _, "[vvar]" or "[vsyscall]" or "[vdso]"])
                continue;
            ulong begin = ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            ulong end = ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            for (ulong at = (begin + Blocks.Length - 1) / Blocks.Length * Blocks.Length; at + Blocks.Length <= end; at += Blocks.Length)
            {
                long offset = (long)(at / (ulong)Environment.SystemPageSize) * sizeof(ulong);
                if (RandomAccess.Read(pagemap, entries, offset) == entries.Length && ArePresent(entries))
                    blocks.Add((long)at);
            }
        }
        return blocks;
    }

    private static bool ArePresent(ReadOnlySpan<byte> entries)
    {
        for (; entries.Length > 0; entries = entries[sizeof(ulong)..])
        {
            if ((BinaryPrimitives.ReadUInt64LittleEndian(entries) & Present) == 0)
                return false;
        }
        return true;
    }
}
