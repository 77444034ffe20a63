using System.Text.RegularExpressions;

namespace PageFold.Tests;

/// <summary>
/// Compares the C# blocks of a document with the tests that contain them. A block that stands in a test, line for line, compiles and runs.
/// </summary>
internal static partial class DocumentedSnippets
{
    /// <summary>The C# blocks of a document that stand in none of the given source files; white space does not count.</summary>
    /// <param name="document">The document, in Markdown.</param>
    /// <param name="sources">The texts of the source files.</param>
    /// <param name="blocks">How many blocks the document has.</param>
    public static IReadOnlyList<string> Missing(string document, IEnumerable<string> sources, out int blocks)
    {
        List<string> squeezed = [.. sources.Select(Squeeze)];
        List<string> found = [.. CodeBlock().Matches(document).Select(match => match.Groups[1].Value)];
        blocks = found.Count;
        return [.. found.Where(block => !squeezed.Exists(source => source.Contains(Squeeze(block), StringComparison.Ordinal)))];
    }

    /// <summary>Reads a tracked file by its path from the root of the repository.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(ArchitectureTests.Root(), path));

    private static string Squeeze(string text) => Space().Replace(text, " ").Trim();

    [GeneratedRegex("```csharp\r?\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
