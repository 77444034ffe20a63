using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace PageFold.Tests;

/// <summary>
/// The house as docs/architecture.md draws it: a floor uses only floors below it, and pointers to the system stay on theirs.
/// </summary>
public partial class ArchitectureTests
{
    [Fact]
    public void Only_the_ground_floor_calls_the_operating_system()
    {
        foreach (string file in Directory.EnumerateFiles(Sources(), "*.cs", SearchOption.AllDirectories).Where(file => !IsBuilt(file)))
        {
            bool calls = Import().IsMatch(File.ReadAllText(file));
            Assert.True(!calls || file.Contains($"{Path.DirectorySeparatorChar}Interop{Path.DirectorySeparatorChar}",
                StringComparison.Ordinal), $"{file} imports a native function");
        }
    }

    [Fact]
    public void What_stands_on_the_core_knows_nothing_else_of_the_house()
    {
        foreach (string project in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories))
        {
            string name = Path.GetFileNameWithoutExtension(project);
            string[] uses = [.. Reference().Matches(File.ReadAllText(project)).Select(match => match.Groups[1].Value)];
            string[] below = name switch
            {
                "PageFold" => [],
                "PageFold.Nbd" => ["PageFold.Disks"],
                "PageFold.Caching.AspNetCore" => ["PageFold.Caching"],
                _ => ["PageFold"],
            };
            if (name != "PageFold.Cli")
                Assert.Equal(below, uses);
        }
    }

    [Fact]
    public void Every_project_of_tests_is_run_by_test_sh_and_in_the_solution()
    {
        string tests = File.ReadAllText(Path.Combine(Root(), "tests", "Tests.slnx"));
        string all = File.ReadAllText(Path.Combine(Root(), "PageFold.slnx"));
        string[] projects = Directory.GetFiles(Path.Combine(Root(), "tests"), "*.Tests.csproj", SearchOption.AllDirectories);
        Assert.InRange(projects.Length, 6, int.MaxValue);
        Assert.All(projects.Select(Path.GetFileName), project =>
        {
            Assert.Contains($"/{project}\"", tests, StringComparison.Ordinal);
            Assert.Contains($"/{project}\"", all, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_library_under_test_is_built_like_its_tests()
    {
        static bool IsOptimized(Assembly assembly) =>
            assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };
        Assert.Equal(IsOptimized(typeof(ArchitectureTests).Assembly), IsOptimized(typeof(PageStore).Assembly));
    }

    [Fact]
    public void Files_tell_one_thing_in_at_most_450_lines()
    {
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Sources(), ".."), "*.cs",
            SearchOption.AllDirectories).Where(file => !IsBuilt(file)))
            Assert.True(File.ReadLines(file).Count() <= 450, file);
    }

    [Fact]
    public void Tools_leave_no_files_of_theirs_beside_the_sources()
    {
        Assert.Empty(Directory.EnumerateFiles(Root(), "*-verify.state"));
        // fio writes one into the working folder wherever it verifies, unless it is told not to.
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Root(), "benchmarks"), "*.sh"))
        {
            string commands = File.ReadAllText(file).Replace("\\\n", string.Empty, StringComparison.Ordinal);
            Assert.All(
                Regex.Matches(commands, "^ *fio .*--verify=.*$", RegexOptions.Multiline),
                run => Assert.Contains("--verify_state_save=0", run.Value, StringComparison.Ordinal));
        }
    }

    private static bool IsBuilt(string file) =>
        file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    public static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "PageFold.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder!;
    }

    private static string Sources() => Path.Combine(Root(), "src", "PageFold");

    [GeneratedRegex(@"\[(LibraryImport|DllImport)\(")]
    private static partial Regex Import();

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*\\([^""\\]+)\.csproj""")]
    private static partial Regex Reference();
}
