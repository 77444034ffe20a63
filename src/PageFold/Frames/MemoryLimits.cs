namespace PageFold.Frames;

/// <summary>
/// Decides how much memory may be held. Inside a container the limit of its control group rules: half of it is the default, and a
/// configured limit above it, less a reserve, is refused, because beyond it stands the operating system's killer.
/// </summary>
/// <remarks>
/// The reserve is for what the process needs beside the limit: the runtime, its heap and the code it compiles (some 15 MiB ahead of time, 30 to 50 MiB of private memory otherwise), and what the kernel
/// charges to the group in proportion to the memory that is held: page tables take a 512th, and the same again where memory is mapped in many pieces. Each store is looked at by itself: the limits of several
/// stores in one process are to come to no more than one store's may, which their owner sees to.
/// </remarks>
internal static class MemoryLimits
{
    private const long RuntimeBytes = 32 << 20;
    private const int KernelShare = 64;

    /// <summary>The limit in force, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The configured limit is not positive or above the container's less the reserve.</exception>
    public static long Resolve(long? configured) => Resolve(configured, ContainerMemory.ReadLimit(), MachineBytes());

    internal static long Resolve(long? configured, long? container, long machine)
    {
        long ceiling = container is { } limit ? Math.Min(limit, machine) : machine;
        if (configured is not { } wanted)
            return ceiling / 2;
        if (wanted <= 0)
            Throw.LimitNotPositive(wanted);
        if (container is { } allowed && wanted > allowed - Reserve(allowed))
            Throw.LimitAboveContainer(wanted, allowed, Reserve(allowed));
        return wanted;
    }

    /// <summary>Bytes of a container's limit that are left to the runtime and the kernel: 32 MiB and a 64th, but never more than half, which the default takes.</summary>
    internal static long Reserve(long container) => Math.Min(RuntimeBytes + container / KernelShare, container - container / 2);

    private static long MachineBytes()
    {
        // Within a container the runtime reports its own heap limit here, never more than the machine has.
        long fallback = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!OperatingSystem.IsLinux())
            return fallback;
        try
        {
            foreach (string line in File.ReadLines("/proc/meminfo"))
            {
                if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan("MemTotal:".Length).Trim().TrimEnd("kB").Trim(), provider: null) * 1024;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return fallback;
        }
        return fallback;
    }
}
