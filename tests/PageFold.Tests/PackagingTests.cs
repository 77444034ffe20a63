using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PageFold.Tests;

/// <summary>
/// Everything that a package needs is there before it is made. The campaign "packages" makes, installs and runs the packages.
/// </summary>
public partial class PackagingTests
{
    private static readonly string Root = ArchitectureTests.Root();

    private static readonly string Repository = Property(Path.Combine(Root, "src", "Directory.Build.props"), "RepositoryUrl")!;

    public static TheoryData<string> Packages() =>
        [.. Directory.GetFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(project => Property(project, "IsPackable") == "true")
            .Select(project => Path.GetFileNameWithoutExtension(project))];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_describes_itself(string package)
    {
        string project = Path.Combine(Root, "src", package, package + ".csproj");
        Assert.Equal(package, Property(project, "PackageId"));
        Assert.InRange(Property(project, "Description")!.Length, 40, 300);
        Assert.True(Property(project, "PackageTags")!.Split(';').Length >= 3);
        Assert.True(File.Exists(ReadmeOf(package)));
        if (Property(project, "PackAsTool") != "true")
        {
            foreach (string file in (string[])["PublicAPI.Shipped.txt", "PublicAPI.Unshipped.txt"])
            {
                string surface = File.ReadAllText(Path.Combine(Root, "src", package, file));
                Assert.StartsWith("#nullable enable", surface, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_libraries_and_the_command_are_packages() =>
        Assert.Superset(new HashSet<string> { "PageFold", "PageFold.Nbd", "PageFold.Cli" }, Packages().Select(row => row.Data).ToHashSet());

    /// <summary>A reader of a package sees its page elsewhere, where relative links lead nowhere.</summary>
    [Theory]
    [MemberData(nameof(Packages))]
    public void Links_of_a_package_page_are_absolute_and_lead_somewhere(string package)
    {
        MatchCollection links = Link().Matches(File.ReadAllText(ReadmeOf(package)));
        Assert.NotEmpty(links);
        Assert.All(links, link =>
        {
            string target = link.Groups[1].Value;
            Assert.StartsWith("https://", target, StringComparison.Ordinal);
            if (!target.StartsWith(Repository, StringComparison.Ordinal))
                return;
            Match path = InRepository().Match(target[Repository.Length..]);
            Assert.True(path.Success && Path.Exists(Path.Combine(Root, path.Groups[1].Value)), $"{target} leads nowhere");
        });
    }

    /// <summary>So the code compiles and runs: the samples do.</summary>
    [Theory]
    [MemberData(nameof(Packages))]
    public void Code_of_a_package_page_stands_in_a_sample(string package)
    {
        HashSet<string>[] samples = [.. Directory.GetFiles(Path.Combine(Root, "samples"), "Program.cs", SearchOption.AllDirectories)
            .Select(file => File.ReadLines(file).Select(line => line.Trim()).ToHashSet())];
        Assert.NotEmpty(samples);
        Assert.All(CodeBlock().Matches(File.ReadAllText(ReadmeOf(package))), block =>
        {
            string[] lines = block.Groups[1].Value.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains(samples, sample => lines.All(sample.Contains));
        });
    }

    private static string ReadmeOf(string package) => Path.Combine(Root, "src", package, "README.md");

    private static string? Property(string file, string name) =>
        XDocument.Load(file).Root!.Elements("PropertyGroup").Elements(name).LastOrDefault()?.Value;

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^(?:/(?:blob|tree)/main/)?([^#]*)")]
    private static partial Regex InRepository();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
