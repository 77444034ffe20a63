namespace PageFold.Cli.Tests;

/// <summary>A folder for the sockets and files of served disks, gone when the test is over. Its name is short, as the paths of sockets have to be.</summary>
internal sealed class ServeFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pf-");
    private int _sockets;

    public string Path => _folder.FullName;

    /// <summary>A path in the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>A path of a socket that was not used before; a killed server leaves its own behind.</summary>
    public string NewSocket() => this[$"s{++_sockets}"];

    /// <summary>Runs the command with bad input: exit code 2, one line that says all that is expected, and the folder as it was.</summary>
    /// <param name="arguments">The command's arguments.</param>
    /// <param name="expected">What the line has to name: the option, the value, the remedy.</param>
    public void AssertRefused(string[] arguments, params string[] expected)
    {
        string before = Describe();
        Command run = Run(arguments);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}{run.Output}");
        Assert.Empty(run.Output);
        // A line of progress is not about the error.
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), text => !text.EndsWith(" ...", StringComparison.Ordinal));
        Assert.StartsWith("pagefold: ", line, StringComparison.Ordinal);
        Assert.All(expected, part => Assert.Contains(part, line, StringComparison.Ordinal));
        Assert.Equal(before, Describe());
    }

    /// <summary>Serves with bad input, on a socket that could be used otherwise.</summary>
    public void AssertServeRefused(string[] options, params string[] expected) => AssertRefused(["serve", "--unix", NewSocket(), .. options], expected);

    /// <summary>Serves with a file that another server has for itself, and so cannot be looked at here.</summary>
    public void AssertServeTaken(string option, string file, params string[] expected)
    {
        Command run = Run("serve", "--unix", NewSocket(), "--size", "1MiB", option, file);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}");
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All([$"{option} {file}", .. expected], part => Assert.Contains(part, line, StringComparison.Ordinal));
    }

    /// <summary>Runs the command in the folder, and ends it if it does not end by itself.</summary>
    public Command Run(params string[] arguments) => Command.RunProcess("dotnet", [Command.Program, .. arguments], folder: Path, meanwhile: process =>
    {
        if (!process.WaitForExit(ServeProcess.Patience))
            process.Kill();
    });

    public void Dispose() => _folder.Delete(recursive: true);

    private string Describe() => string.Join('\n', _folder.EnumerateFileSystemInfos("*", SearchOption.AllDirectories).OrderBy(entry => entry.FullName, StringComparer.Ordinal).Select(entry =>
        $"{entry.FullName} {entry.LastWriteTimeUtc:O} {(entry is FileInfo { Length: > 0 } ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(entry.FullName))) : string.Empty)}"));
}
