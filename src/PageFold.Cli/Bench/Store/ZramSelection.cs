using System.Text.RegularExpressions;

namespace PageFold.Cli.Bench.Store;

/// <summary>The algorithms of the kernel's zram that are measured, and those that cannot be.</summary>
/// <param name="Algorithms">The kernel's names of those that are measured.</param>
/// <param name="Unavailable">The reason why none is measured; null if at least one is.</param>
/// <param name="Missing">The algorithms that were asked for and are not measured, with the reason, if others are.</param>
internal sealed partial record ZramSelection(
    IReadOnlyList<string> Algorithms, string? Unavailable, IReadOnlyDictionary<string, string> Missing)
{
    /// <summary>The value that stands for all algorithms of the kernel.</summary>
    public const string All = "all";

    /// <summary>The value that leaves zram out.</summary>
    public const string Without = "none";

    /// <summary>Checks the names of <c>--zram</c>.</summary>
    public static IReadOnlyList<string> Parse(string[] texts)
    {
        string[] names = [.. Arguments.Several(texts).Select(text => text.ToLowerInvariant())];
        if (Array.Find(names, name => !Name().IsMatch(name)) is { } wrong)
        {
            throw new UserErrorException(
                $"--zram {Arguments.Shown(wrong)} is no algorithm; write the kernel's names, as in --zram lz4,zstd, or {All} or "
                    + $"{Without}.");
        }
        if (names.Distinct().Count() < names.Length)
            throw new UserErrorException($"--zram {string.Join(' ', texts)} names an algorithm twice; name each once.");
        return names.Length == 1 || !names.Any(name => name is All or Without)
            ? names
            : throw new UserErrorException(
                $"--zram {string.Join(' ', texts)} mixes {All} or {Without} with other values; write it alone.");
    }

    /// <summary>Finds out what can be measured, before anything is, by trying a device of one page with each algorithm.</summary>
    /// <param name="names">The result of <see cref="Parse"/>.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    public static ZramSelection Try(IReadOnlyList<string> names, int pageSize)
    {
        if (names is [Without])
            return Nothing($"--zram {Without} leaves it out");
        if (!OperatingSystem.IsLinux())
            return Nothing("zram is Linux's");
        if (ZramDevice.WhyNot() is { } reason)
            return Nothing(reason);
        List<string> algorithms = [];
        Dictionary<string, string> missing = [];
        try
        {
            foreach (string name in names is [All] ? ZramDevice.Offered() : names)
            {
                try
                {
                    ZramDevice.Create(name, pageSize).Dispose();
                    algorithms.Add(name);
                }
                catch (ZramUnavailableException e)
                {
                    missing.Add(name, e.Message);
                }
            }
        }
        catch (ZramUnavailableException e)
        {
            return Nothing(e.Message);
        }
        return algorithms.Count > 0
            ? new ZramSelection(algorithms, null, missing)
            : Nothing(string.Join("; ", missing.Values.Distinct()));
    }

    private static ZramSelection Nothing(string reason) => new([], reason, new Dictionary<string, string>());

    [GeneratedRegex("^[a-z0-9_-]+$")]
    private static partial Regex Name();
}
