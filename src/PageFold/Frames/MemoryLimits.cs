namespace PageFold.Frames;

/// <summary>Determines the memory limit of an arena, a pool or a store.</summary>
/// <remarks>
/// In a container the limit of its control group applies. Half of it is the default. A configured limit above the container's less a
/// reserve is refused, because the kernel would kill the process when it is exceeded. The reserve covers what the process needs besides the
/// limit: the runtime, its heap and compiled code (about 15 MiB ahead of time, 30 to 50 MiB of private memory otherwise), and what the
/// kernel charges to the group in proportion to the memory that is held: a 512th for page tables, and the same again where memory is mapped
/// in many pieces. Each limit is checked separately. The application has to keep the sum of the limits in one process below the same bound.
/// </remarks>
internal static class MemoryLimits
{
    private const long RuntimeBytes = 32 << 20;
    private const int KernelShare = 64;

    /// <summary>The limit in force, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The configured limit is not positive, or above the container's limit less the reserve.
    /// </exception>
    public static long Resolve(long? configured) => Resolve(configured, ContainerMemory.ReadLimit(), MachineBytes());

    internal static long Resolve(long? configured, long? container, long machine)
    {
        long ceiling = container is { } limit ? Math.Min(limit, machine) : machine;
        if (configured is not { } wanted)
            return ceiling / 2;
        if (wanted <= 0)
            FrameThrow.LimitNotPositive(wanted);
        if (container is { } allowed && wanted > allowed - Reserve(allowed))
            FrameThrow.LimitAboveContainer(wanted, allowed, Reserve(allowed));
        return wanted;
    }

    /// <summary>Bytes of a container's limit that are left to the runtime and the kernel.</summary>
    /// <remarks>32 MiB and a 64th, but never more than the half that the default leaves.</remarks>
    internal static long Reserve(long container) => Math.Min(RuntimeBytes + container / KernelShare, container - container / 2);

    private static long MachineBytes()
    {
        // In a container the runtime reports its heap limit here, which is never more than the machine has.
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
