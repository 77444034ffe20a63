namespace PageFold.Caching.Eviction;

/// <summary>The parameters of the eviction that a duel chooses.</summary>
/// <param name="SmallShare">Share of the capacity that new entries pass through.</param>
/// <param name="Margin">How much higher than the estimate of the main part's victim that of a new entry must be for it to stay.</param>
/// <param name="UsesGhost">Whether an entry that comes back soon after its eviction goes to the main part at once.</param>
internal readonly record struct EvictionSettings(double SmallShare, int Margin, bool UsesGhost)
{
    /// <summary>The settings that duel in a cache with a limit of entries; the first is where it starts.</summary>
    public static EvictionSettings[] ForEntries { get; } = [new(0.10, 1, true), Frequent, new(0.25, 0, true)];

    /// <summary>The settings that duel in a cache with a limit of bytes; the first is where it starts.</summary>
    /// <remarks>
    /// Their margins are higher, because a large entry that stays drives out several, and only the first of them is compared with it. Keys
    /// that come back pass by the comparison, through the ghosts.
    /// </remarks>
    public static EvictionSettings[] ForBytes { get; } = [new(0.10, 3, true), Frequent, new(0.25, 3, true)];

    /// <summary>The setting of a cache whose objective is objects; it does not duel.</summary>
    public static EvictionSettings ForObjects { get; } = new(0.005, 3, true);

    /// <summary>For workloads where the past predicts the future: loops, scans, stable popularity.</summary>
    private static EvictionSettings Frequent => new(0.01, 1, false);
}
