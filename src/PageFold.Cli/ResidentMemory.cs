using System.Globalization;
using PageFold.Cli.Interop;

namespace PageFold.Cli;

/// <summary>The memory of this process as the operating system reports it.</summary>
internal static class ResidentMemory
{
    private const int MinMappedBytes = 256 << 10;

    private static readonly NativeAllocator? Native = NativeAllocator.Find(NativeAllocator.Names[0], out _);

    /// <summary>Makes the C library give large freed blocks back at once; for a process that runs long.</summary>
    public static void KeepLittle() => Native?.GiveBackAtOnce(MinMappedBytes);

    /// <summary>Makes the runtime and the C library give back memory that they keep for later use.</summary>
    public static void GiveBack()
    {
        Collect();
        Native?.GiveBack();
    }

    /// <summary>Measures the bytes in physical memory, after a garbage collection.</summary>
    public static long Measure()
    {
        Collect();
        // The kernel's running count lags by some pages a processor; the sum over all mappings is exact.
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
