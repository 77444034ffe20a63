using System.Text.RegularExpressions;

namespace PageFold.Tests;

/// <summary>Links between the documents lead to files and headings that exist.</summary>
public sealed partial class DocumentLinksTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-links-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Every_link_of_the_documents_leads_somewhere()
    {
        string root = ArchitectureTests.Root();
        List<string> documents =
        [
            .. Directory.EnumerateFiles(root, "*.md"),
            .. Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories),
        ];
        Assert.Empty(documents.SelectMany(Broken));
    }

    [Fact]
    public void Every_page_can_be_reached_from_the_index()
    {
        string docs = Path.Combine(ArchitectureTests.Root(), "docs");
        HashSet<string> reached = [Path.Combine(docs, "index.md")];
        Queue<string> next = new(reached);
        while (next.TryDequeue(out string? page))
        {
            foreach (string target in Links(page).Select(link => Path.GetFullPath(link.File)))
            {
                if (target.EndsWith(".md", StringComparison.Ordinal) && File.Exists(target) && reached.Add(target))
                    next.Enqueue(target);
            }
        }
        Assert.All(Directory.EnumerateFiles(docs, "*.md", SearchOption.AllDirectories), page => Assert.Contains(page, reached));
    }

    [Theory]
    [InlineData("SECURITY.md", 20)]
    [InlineData("docs/architecture.md", 20)]
    public void Tests_that_a_promise_or_an_invariant_names_exist(string document, int atLeast)
    {
        string root = ArchitectureTests.Root();
        HashSet<string> files = [.. Directory.EnumerateFiles(Path.Combine(root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetFileNameWithoutExtension(file)!)];
        string[] named = [.. TestClass().Matches(File.ReadAllText(Path.Combine(root, document))).Select(match => match.Groups[1].Value)];
        Assert.InRange(named.Length, atLeast, int.MaxValue);
        Assert.All(named, name => Assert.Contains(name, files));
    }

    [Fact]
    public void Links_to_missing_files_and_headings_are_found()
    {
        string other = Path.Combine(_folder.FullName, "other.md");
        string page = Path.Combine(_folder.FullName, "page.md");
        File.WriteAllText(other, "# Other page: `it`\n\n```sh\n# no heading\n```\n");
        File.WriteAllText(page, "[a](other.md) [b](other.md#other-page-it) [c](https://example.org/x) [d](#here)\n## Here\n"
            + "[e](gone.md) [f](other.md#no-heading) ![g](#gone) `[h](code.md)`\n```sh\n[i](code.md)\n```\n");
        Assert.Equal(["page.md: gone.md", "page.md: other.md#no-heading", "page.md: #gone"], Broken(page));
    }

    private static IEnumerable<string> Broken(string document)
    {
        foreach ((string target, string file, string heading) in Links(document))
        {
            bool exists = File.Exists(file) || Directory.Exists(file);
            if (!exists || heading.Length > 0 && !Headings(file).Contains(heading))
                yield return $"{Path.GetFileName(document)}: {target}";
        }
    }

    private static IEnumerable<(string Target, string File, string Heading)> Links(string document)
    {
        foreach (string line in LinesOutsideCode(document))
        {
            foreach (Match match in Link().Matches(CodeSpan().Replace(line, string.Empty)))
            {
                string target = match.Groups[1].Value;
                if (target.Contains("://", StringComparison.Ordinal))
                    continue;
                string[] parts = target.Split('#', 2);
                string file = parts[0].Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, parts[0]);
                yield return (target, file, parts.Length > 1 ? parts[1] : string.Empty);
            }
        }
    }

    // As GitHub names them: lower case, without punctuation, blanks as hyphens.
    private static HashSet<string> Headings(string document) =>
    [
        .. LinesOutsideCode(document).Where(line => line.StartsWith('#'))
            .Select(line => Punctuation().Replace(line.TrimStart('#').Trim(), string.Empty).ToLowerInvariant().Replace(' ', '-')),
    ];

    private static IEnumerable<string> LinesOutsideCode(string document)
    {
        bool isCode = false;
        foreach (string line in File.ReadLines(document))
        {
            bool isFence = line.StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            if (!isCode && !isFence)
                yield return line;
        }
    }

    [GeneratedRegex("`([A-Za-z]+Tests)`")]
    private static partial Regex TestClass();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();
}
