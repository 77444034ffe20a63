using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>A folder of files with known content, deleted at the end of the test.</summary>
public sealed class DataFolder : IDisposable
{
    public DataFolder(int pages = 512)
    {
        Directory.CreateDirectory(Path);
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "below"));
        Random random = new(1);
        byte[] noise = new byte[pages * 1024];
        random.NextBytes(noise);
        StringBuilder text = new();
        for (int i = 0; text.Length < pages * 2048; i++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"line {i}: {random.Next()} is the number of the day\n");
        File.WriteAllText(System.IO.Path.Combine(Path, "text"), text.ToString(0, pages * 2048));
        File.WriteAllBytes(System.IO.Path.Combine(Path, "noise"), noise);
        File.WriteAllBytes(System.IO.Path.Combine(Path, "below", "zeros"), new byte[pages * 1024]);
        File.WriteAllBytes(System.IO.Path.Combine(Path, "empty"), []);
        File.WriteAllText(System.IO.Path.Combine(Path, "short"), "a page that is mostly missing");
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"pagefold-test-{Guid.NewGuid():N}");

    /// <summary>Adds a file of bytes that do not compress, and returns its path.</summary>
    public string AddNoise(string name, int length)
    {
        string file = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(file, ServeContent.Noise(length, 1));
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
