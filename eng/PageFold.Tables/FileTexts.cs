namespace PageFold.Tables;

/// <summary>Takes texts from the files that a Debian system and a .NET SDK have.</summary>
internal static class FileTexts
{
    /// <summary>The source's name.</summary>
    public const string Source = "files";

    // The part of all texts that one extension may have, and blocks of one file.
    private const double ShareOfExtension = 1.0 / 20;
    private const int MostOfFile = 4;

    // An asterisk stands for the processor's name or a version.
    private static readonly string[] Roots =
    [
        "/usr/share/bash-completion", "/usr/share/dict", "/usr/share/doc", "/usr/share/dotnet", "/usr/share/dpkg", "/usr/share/fonts",
        "/usr/share/gcc", "/usr/share/glib-2.0", "/usr/share/groff", "/usr/share/i18n", "/usr/share/icons", "/usr/share/info",
        "/usr/share/locale", "/usr/share/man", "/usr/share/mime", "/usr/share/misc", "/usr/share/perl*", "/usr/share/python3",
        "/usr/share/terminfo", "/usr/share/vim", "/usr/share/X11", "/usr/share/xml", "/usr/share/zoneinfo", "/usr/lib/*-linux-gnu*",
        "/usr/lib/dotnet", "/usr/lib/gcc", "/usr/lib/git-core", "/usr/lib/locale", "/usr/lib/python3*", "/usr/lib/ssl", "/usr/lib/systemd",
        "/usr/lib/terminfo", "/usr/lib/udev",
    ];

    /// <summary>Adds texts to all sets until they are full, files in an order that looks random.</summary>
    public static void Take(IReadOnlyList<TextSet> sets)
    {
        byte[] block = new byte[Blocks.Length];
        foreach (string path in Find().OrderBy(Blocks.Order).ThenBy(path => path, StringComparer.Ordinal))
        {
            bool isHeldOut = HoldOut.Contains(path);
            string kind = Kind(path);
            if (Blocks.AreFull(sets, Source, kind, ShareOfExtension, isHeldOut))
                continue;
            try
            {
                using FileStream file = File.OpenRead(path);
                long blocks = (file.Length + block.Length - 1) / block.Length;
                long taken = Math.Min(blocks, MostOfFile);
                for (long i = 0; i < taken; i++)
                {
                    file.Position = i * blocks / taken * block.Length;
                    int length = file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
                    Blocks.Add(sets, Source, kind, ShareOfExtension, isHeldOut, block.AsSpan(0, length));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A file that cannot be read is not a part of the data.
            }
        }
    }

    private static IEnumerable<string> Find()
    {
        EnumerationOptions real = new()
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device,
        };
        foreach (string root in Roots)
        {
            string parent = Path.GetDirectoryName(root)!;
            foreach (string folder in Directory.Exists(parent) ? Directory.GetDirectories(parent, Path.GetFileName(root)) : [])
            {
                if (new DirectoryInfo(folder).LinkTarget is not null)
                    continue;
                foreach (string file in Directory.EnumerateFiles(folder, "*", real))
                    yield return file;
            }
        }
    }

    /// <summary>Returns the extension, without the version that follows "so", and the same for all that are numbers.</summary>
    private static string Kind(string path)
    {
        string name = Path.GetFileName(path);
        if (name.Contains(".so.", StringComparison.Ordinal))
            return "SO";
        string extension = Path.GetExtension(name).TrimStart('.').ToUpperInvariant();
        return extension.Length is 0 or > 10 ? "(none)" : char.IsAsciiDigit(extension[0]) ? "(number)" : extension;
    }
}
