using System.Diagnostics;

namespace PageFold.Cli.Tests;

/// <summary>
/// A control group with a memory limit and no swap, of version 1 or 2, made by the test below the group that the test is in.
/// </summary>
internal sealed class MemoryGroup : IDisposable
{
    private readonly string _folder;

    private MemoryGroup(string folder) => _folder = folder;

    /// <summary>Makes a group; skips the test where none can be made.</summary>
    public static MemoryGroup Make(long limit)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Control groups are Linux's.");
        foreach ((string parent, string file, string swap) in Parents())
        {
            string folder = Path.Combine(parent, $"pagefold-test-{Guid.NewGuid():N}");
            try
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(Path.Combine(folder, file), $"{limit}");
                if (File.Exists(Path.Combine(folder, swap)))
                    File.WriteAllText(Path.Combine(folder, swap), "0");
                return new MemoryGroup(folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (Directory.Exists(folder))
                    Directory.Delete(folder);
            }
        }
        Assert.Skip("No control group with a memory limit can be made here; that takes root and a memory controller.");
        return null!;
    }

    public Command Run(params string[] arguments) => Run(meanwhile: null, arguments);

    public Command Run(Action<Process>? meanwhile, params string[] arguments) => Command.RunProcess(
        "sh", ["-c", "echo $$ > \"$0/cgroup.procs\" && exec dotnet \"$@\"", _folder, Command.Program, .. arguments], meanwhile);

    // The kernel owns the files of a group; only the folder is removed.
    public void Dispose() => Directory.Delete(_folder);

    /// <summary>Finds groups that may have children with a memory limit, the nearest first, each with the files of a child.</summary>
    private static IEnumerable<(string Parent, string Limit, string Swap)> Parents()
    {
        string[] groups = File.ReadAllLines("/proc/self/cgroup");
        foreach (string line in File.ReadAllLines("/proc/self/mounts"))
        {
            // device mount-point type options ...
            string[] mount = line.Split(' ');
            bool unified = mount[2] == "cgroup2";
            if (!unified && !(mount[2] == "cgroup" && mount[3].Split(',').Contains("memory")))
                continue;
            string[]? own = groups.Select(group => group.Split(':', 3))
                .FirstOrDefault(parts => unified ? parts[0] == "0" : parts[1].Split(',').Contains("memory"));
            for (string path = own?[2] ?? "/"; ; path = path[..path.LastIndexOf('/')])
            {
                path = path.TrimEnd('/');
                string parent = mount[1] + path;
                // In version 2 a group that contains processes gives no controller to its children, except the root.
                if (Directory.Exists(parent) && (!unified || GivesMemory(parent)))
                {
                    yield return unified
                        ? (parent, "memory.max", "memory.swap.max")
                        : (parent, "memory.limit_in_bytes", "memory.swappiness");
                }
                if (path.Length == 0)
                    break;
            }
        }
    }

    private static bool GivesMemory(string parent)
    {
        string children = Path.Combine(parent, "cgroup.subtree_control");
        try
        {
            if (!File.ReadAllText(children).Split().Contains("memory"))
                File.WriteAllText(children, "+memory");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
