namespace PageFold.Frames;

/// <summary>
/// Decides how much memory may be held. Inside a container the limit of its control group rules: half of it is the default, and a
/// configured limit above it is refused, because beyond it stands the operating system's killer.
/// </summary>
internal static class MemoryLimits
{
    /// <summary>The limit in force, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The configured limit is not positive or above the container's.</exception>
    public static long Resolve(long? configured) => Resolve(configured, ContainerMemory.ReadLimit(), MachineBytes());

    internal static long Resolve(long? configured, long? container, long machine)
    {
        long ceiling = container is { } limit ? Math.Min(limit, machine) : machine;
        if (configured is not { } wanted)
            return ceiling / 2;
        if (wanted <= 0)
            Throw.LimitNotPositive(wanted);
        if (container is { } allowed && wanted > allowed)
            Throw.LimitAboveContainer(wanted, allowed);
        return wanted;
    }

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
