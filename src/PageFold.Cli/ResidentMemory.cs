using System.Globalization;

namespace PageFold.Cli;

/// <summary>This process's memory as the operating system sees it.</summary>
internal static class ResidentMemory
{
    /// <summary>Bytes in physical memory, after the runtime has given back what it does not need.</summary>
    public static long Measure()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
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
}
