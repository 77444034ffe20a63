using System.Diagnostics;
using PageFold.Interop;

namespace PageFold.Tests.Interop;

/// <summary>What .NET does not tell of files.</summary>
public sealed class FileSystemTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-files-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_folder_is_synced_and_one_that_is_not_there_is_a_failure_with_a_reason()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Folders are synced on Linux only.");
        Assert.True(FileSystem.TrySyncFolder(_folder.FullName, out string? reason));
        Assert.Null(reason);
        Assert.False(FileSystem.TrySyncFolder(Path.Combine(_folder.FullName, "missing"), out reason));
        Assert.False(string.IsNullOrWhiteSpace(reason));
    }

    [Fact]
    public void A_file_in_the_place_of_another_goes_to_the_others_owner()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root gives files away.");
        string old = Path.Combine(_folder.FullName, "old");
        string made = Path.Combine(_folder.FullName, "made");
        File.WriteAllText(old, "");
        Assert.SkipUnless(Run("chown", "12345:23456", old) is not null, "This file system keeps no owners.");
        using (FileStream stream = File.Create(made))
            FileSystem.TakeOwnerOf(old, stream.SafeFileHandle);
        Assert.Equal("12345:23456", Run("stat", "-c", "%u:%g", made));
        // Where there is none, the file stays its maker's.
        string mine = Path.Combine(_folder.FullName, "mine");
        using (FileStream stream = File.Create(mine))
            FileSystem.TakeOwnerOf(Path.Combine(_folder.FullName, "missing"), stream.SafeFileHandle);
        Assert.NotEqual("12345:23456", Run("stat", "-c", "%u:%g", mine));
    }

    /// <summary>What a command prints; null if it fails.</summary>
    private static string? Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim() : null;
    }
}
