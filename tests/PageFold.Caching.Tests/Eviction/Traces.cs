using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>The recorded traces of the repository that are text.</summary>
internal static class Traces
{
    public static long[] Load(string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(Folder(), name));
        using StreamReader lines = new(new GZipStream(file, CompressionMode.Decompress));
        List<long> keys = [];
        while (lines.ReadLine() is { } line)
        {
            if (long.TryParse(line, CultureInfo.InvariantCulture, out long key))
                keys.Add(key);
        }
        return [.. keys];
    }

    private static string Folder([CallerFilePath] string here = "")
    {
        string? folder = Path.GetDirectoryName(here);
        while (folder != null && !Directory.Exists(Path.Combine(folder, "benchmarks", "traces")))
            folder = Path.GetDirectoryName(folder);
        // With deterministic builds the path of the source is not the real one.
        folder ??= AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "benchmarks", "traces")))
            folder = Path.GetDirectoryName(folder)
                ?? throw new DirectoryNotFoundException("There is no folder benchmarks/traces above the tests.");
        return Path.Combine(folder, "benchmarks", "traces");
    }
}
