using System.Globalization;
using PageFold.Cli.Interop;

namespace PageFold.Cli;

/// <summary>This process's memory as the operating system sees it.</summary>
internal static class ResidentMemory
{
    private const int SmallestKeptApart = 256 << 10;

    private static readonly NativeAllocator? Native = NativeAllocator.Find(NativeAllocator.Names[0], out _);

    /// <summary>For a process that runs long: what is freed is not to stay with it.</summary>
    public static void KeepLittle() => Native?.GiveBackAtOnce(SmallestKeptApart);

    /// <summary>Has the runtime and the C library give back what they keep for later: garbage, and memory that was freed.</summary>
    public static void GiveBack()
    {
        Collect();
        Native?.GiveBack();
    }

    /// <summary>Bytes in physical memory, after the runtime has given back what it does not need.</summary>
    public static long Measure()
    {
        Collect();
        // The kernel's running count lags by some pages a processor; the roll-up of all mappings is exact.
        const string RollUp = "/proc/self/smaps_rollup";
        if (File.Exists(RollUp))
        {
            foreach (string line in File.ReadLines(RollUp))
            {
                if (line.StartsWith("Rss:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(4).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture) * 1024;
            }
        }
        return Environment.WorkingSet;
    }

    private static void Collect()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
