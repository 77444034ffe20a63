using System.Globalization;
using System.Text.RegularExpressions;

namespace PageFold.Tests.Documentation;

/// <summary>Checks of the form of sources and documents.</summary>
internal static partial class Prose
{
    public const int MaxColumns = 140;

    /// <summary>The lines of a text that are longer than <see cref="MaxColumns"/>.</summary>
    /// <returns>The name and the number of each line.</returns>
    public static IEnumerable<string> LongLines(string name, string text)
    {
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (line.TrimEnd('\r').Length > MaxColumns)
                yield return string.Create(CultureInfo.InvariantCulture, $"{name}:{number}");
        }
    }

    /// <summary>Counts the words that hide what acts.</summary>
    public static int VagueWords(string text) => Vague().Count(text);

    /// <summary>
    /// The files of some folders, and of the root itself, by their names from the root with slashes; build outputs excluded.
    /// </summary>
    public static IEnumerable<string> Files(string root, params string[] folders)
    {
        EnumerationOptions all = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return folders.Select(folder => Path.Combine(root, folder))
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", all))
            .Concat(Directory.EnumerateFiles(root))
            .Select(file => Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(name => !name.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "TestResults"));
    }

    /// <summary>True if a file is, or lies below, one of these.</summary>
    public static bool IsAmong(string name, IEnumerable<string> prefixes) =>
        prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    [GeneratedRegex("(?<![A-Za-z])(who" + "ever|some" + "body|no" + "body|any" + "body|every" + "body)(?![A-Za-z])",
        RegexOptions.IgnoreCase)]
    private static partial Regex Vague();
}
