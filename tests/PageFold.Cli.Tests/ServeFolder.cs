namespace PageFold.Cli.Tests;

/// <summary>
/// A folder for the sockets and files of served disks, deleted at the end of the test. Its name is short, because paths of sockets are.
/// </summary>
internal sealed class ServeFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pf-");
    private int _sockets;

    public string Path => _folder.FullName;

    /// <summary>A path in the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a path for a socket that was not used before; a killed server leaves its socket behind.</summary>
    public string NewSocket() => this[$"s{++_sockets}"];

    /// <summary>The same, for use in one expression.</summary>
    public string NewSocket(out string socket) => socket = NewSocket();

    /// <summary>
    /// Runs the command with bad input and expects exit code 2, one line with all expected parts, and an unchanged folder.
    /// </summary>
    /// <param name="arguments">The command's arguments.</param>
    /// <param name="expected">The parts of the line: the option, the value, the remedy.</param>
    public void AssertRefused(string[] arguments, params string[] expected)
    {
        string before = Describe();
        Command run = Run(arguments);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}{run.Output}");
        Assert.Empty(run.Output);
        // A line of progress does not belong to the error.
        string line = Assert.Single(
            run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), text => !text.EndsWith(" ...", StringComparison.Ordinal));
        Assert.StartsWith("pagefold: ", line, StringComparison.Ordinal);
        Assert.All(expected, part => Assert.Contains(part, line, StringComparison.Ordinal));
        Assert.Equal(before, Describe());
    }

    /// <summary>Serves with bad input, on a socket that could be used.</summary>
    public void AssertServeRefused(string[] options, params string[] expected) =>
        AssertRefused(["serve", "--unix", NewSocket(), .. options], expected);

    /// <summary>Serves with a file that another server holds exclusively, so that its content cannot be compared here.</summary>
    public void AssertServeTaken(string option, string file, params string[] expected)
    {
        Command run = Run("serve", "--unix", NewSocket(), "--size", "1MiB", option, file);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}");
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All([$"{option} {file}", .. expected], part => Assert.Contains(part, line, StringComparison.Ordinal));
    }

    /// <summary>Runs the command in the folder, in a process that runs others before and after.</summary>
    public Command Run(params string[] arguments) =>
        OperatingSystem.IsLinux() && !ServeProcess.StartsAnew(arguments) ? HostedCommand.Run(Path, arguments) : RunAlone(arguments);

    /// <summary>Runs the command in the folder, in a process of its own, and kills it if it does not end in time.</summary>
    public Command RunAlone(params string[] arguments) =>
        Command.RunProcess("dotnet", [Command.Program, .. arguments], folder: Path, meanwhile: process =>
        {
            if (!process.WaitForExit(ServeProcess.Patience))
                process.Kill();
        });

    public void Dispose() => _folder.Delete(recursive: true);

    private string Describe()
    {
        IEnumerable<FileSystemInfo> entries = _folder.EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal);
        return string.Join('\n', entries.Select(entry => $"{entry.FullName} {entry.LastWriteTimeUtc:O} {HashOf(entry)}"));
    }

    private static string HashOf(FileSystemInfo entry) => entry is FileInfo { Length: > 0 }
        ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(entry.FullName)))
        : string.Empty;
}
