using System.Globalization;
using System.Text.RegularExpressions;

namespace PageFold.Frames;

/// <summary>Reads the memory limit of the control group of this process, version 2 (memory.max) or 1 (memory.limit_in_bytes).</summary>
/// <remarks>
/// The limit is the smallest one between the process's group and the root of the mount. It is read from /proc and from the mounted
/// hierarchy.
/// </remarks>
internal static partial class ContainerMemory
{
    // Version 1 writes "no limit" as the largest number of whole pages. No real limit is near it.
    private const long Unlimited = 1L << 60;

    /// <summary>The limit in bytes; null where there is none.</summary>
    public static long? ReadLimit()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            return ReadLimit(File.ReadAllLines("/proc/self/cgroup"), File.ReadAllLines("/proc/self/mountinfo"), ReadOrNull);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <param name="groups">Lines of /proc/self/cgroup: id, controllers, path.</param>
    /// <param name="mounts">Lines of /proc/self/mountinfo.</param>
    /// <param name="read">Reads a file; null if it is not there.</param>
    internal static long? ReadLimit(IEnumerable<string> groups, IReadOnlyCollection<string> mounts, Func<string, string?> read)
    {
        long? smallest = null;
        foreach (string line in groups)
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length != 3)
                continue;
            bool unified = parts[0] == "0" && parts[1].Length == 0;
            if (!unified && !parts[1].Split(',').Contains("memory"))
                continue;
            string file = unified ? "memory.max" : "memory.limit_in_bytes";
            foreach (string directory in Ancestors(parts[2], unified, mounts))
            {
                if (ParseLimit(read($"{directory}/{file}")) is { } limit && (smallest is null || limit < smallest))
                    smallest = limit;
            }
        }
        return smallest;
    }

    /// <summary>The group's directory under its mount and the directories above it, up to the mount point.</summary>
    private static IEnumerable<string> Ancestors(string group, bool unified, IEnumerable<string> mounts)
    {
        foreach (string mount in mounts)
        {
            // 36 35 98:0 /root-of-mount /mount-point options optional-fields - type source super-options
            string[] halves = mount.Split(" - ", 2);
            string[] left = halves[0].Split(' ');
            string[] right = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (left.Length < 5 || right.Length < 3)
                continue;
            bool matches = unified ? right[0] == "cgroup2" : right[0] == "cgroup" && right[2].Split(',').Contains("memory");
            if (!matches)
                continue;
            string root = Unescape(left[3]);
            string point = Unescape(left[4]).TrimEnd('/');
            string inside = group;
            if (root != "/" && (group == root || group.StartsWith(root + "/", StringComparison.Ordinal)))
                inside = group[root.Length..];
            inside = inside.TrimEnd('/');
            while (inside.StartsWith('/'))
            {
                yield return point + inside;
                inside = inside[..inside.LastIndexOf('/')];
            }
            yield return point;
        }
    }

    /// <summary>
    /// Decodes spaces, tabs, newlines and backslashes, which the mount table writes as a backslash and three octal
    /// digits.
    /// </summary>
    private static string Unescape(string path) => path.Contains('\\', StringComparison.Ordinal)
        ? Escape().Replace(path, match => ((char)Convert.ToInt32(match.Value[1..], 8)).ToString())
        : path;

    [GeneratedRegex(@"\\[0-7]{3}")]
    private static partial Regex Escape();

    private static long? ParseLimit(string? text) =>
        long.TryParse(text?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long limit) && limit < Unlimited ? limit : null;

    private static string? ReadOrNull(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
