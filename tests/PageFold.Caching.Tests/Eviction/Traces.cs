using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>The recorded traces of the repository that are text, decompressed by the program xz if they end in .xz.</summary>
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

    /// <summary>The keys and sizes of a trace whose lines are time, key and size.</summary>
    public static (long Key, int Size)[] LoadSized(string name)
    {
        string[] arguments = ["--decompress", "--stdout", "--", Path.Combine(Folder(), name)];
        using Process xz = Process.Start(new ProcessStartInfo("xz", arguments) { RedirectStandardOutput = true })!;
        List<(long, int)> requests = [];
        while (xz.StandardOutput.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ');
            requests.Add((long.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[2], CultureInfo.InvariantCulture)));
        }
        xz.WaitForExit();
        Assert.Equal(0, xz.ExitCode);
        return [.. requests];
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
