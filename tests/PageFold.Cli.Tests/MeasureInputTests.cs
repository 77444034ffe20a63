namespace PageFold.Cli.Tests;

/// <summary>What <c>pagefold measure</c> refuses, in one line, and what it passes over and counts.</summary>
public class MeasureInputTests
{
    [Fact]
    public void A_pipe_within_a_folder_is_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes have names on Unix.");
        using DataFolder data = new();
        Command.RunProcess("mkfifo", [Path.Combine(data.Path, "pipe")]);
        Assert.Equal(0, Command.Run("measure", data.Path, "--codec", "lz4").ExitCode);
    }

    [Fact]
    public void More_pages_than_fit_into_memory_are_bad_input_with_a_remedy()
    {
        using DataFolder data = new();
        string sparse = Path.Combine(data.Path, "sparse");
        using (FileStream file = File.Create(sparse))
            file.SetLength(8L << 40);
        Command run = Command.Run("measure", sparse);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--sample", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, Command.Run("measure", sparse, "--sample", "4MiB").ExitCode);
    }

    [Theory]
    [InlineData("no file or folder", "measure", "/no/such/path")]
    [InlineData("--page-size 5000", "measure", "--page-size", "5000")]
    [InlineData("--page-size 2KiB", "measure", "--page-size", "2KiB")]
    [InlineData("--page-size 128KiB", "measure", "--page-size", "128KiB")]
    [InlineData("--page-size lots", "measure", "--page-size", "lots")]
    [InlineData("--codec gzip", "measure", "--codec", "gzip")]
    [InlineData("--level 23", "measure", "--codec", "zstd", "--level", "23")]
    [InlineData("--level 3", "measure", "--level", "3")]
    [InlineData("--chain 65", "measure", "--chain", "65")]
    [InlineData("--threads 0", "measure", "--threads", "0")]
    [InlineData("--sample -1", "measure", "--sample", "-1")]
    [InlineData("--memory-limit 10 B is too small for a page and codec fold with fold:dense; choose at least ", "measure",
        "--memory-limit", "10")]
    [InlineData("--memory-limit 8.8 KiB is too small", "measure", "--memory-limit", "9000")]
    [InlineData("--json /no/such/folder/x", "measure", "--json", "/no/such/folder/x")]
    [InlineData("--pid 0", "measure", "--pid", "0")]
    [InlineData("no process 2147483647", "measure", "--pid", "2147483647")]
    [InlineData("together", "measure", "--pid", "1", "/tmp")]
    [InlineData("'/dev/null' is empty; name files that are not empty", "measure", "/dev/null", "--sample", "1MiB")]
    [InlineData("'/dev/null' is empty; name files that are not empty", "measure", "/dev/null")]
    [InlineData("no option '--bogus'", "measure", "--bogus")]
    [InlineData("paths are named without an option", "measure", "--data", "/usr")]
    [InlineData("no command 'frobnicate'", "frobnicate")]
    [InlineData("no option '--verson'. See 'pagefold --help'", "--verson")]
    [InlineData("no option '--verson'. See 'pagefold bench --help'", "bench", "--verson")]
    [InlineData("--sample 0 is not a possible number of bytes; write for example 4096, 512MiB or 1.5GiB, more than zero", "measure",
        "--sample", "0")]
    [InlineData("a command is missing")]
    [InlineData("smaller than a page", "measure", "--sample", "4095")]
    [InlineData("--json needs a file", "measure", "--json", "")]
    [InlineData("--threads abc", "measure", "--threads", "abc")]
    [InlineData("--threads ''", "measure", "--threads", "")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        Command.AssertRefused(expected, arguments);
    }

    [Fact]
    public void A_file_or_folder_without_data_is_bad_input()
    {
        using DataFolder data = new();
        Assert.Equal(2, Command.Run("measure", Path.Combine(data.Path, "empty")).ExitCode);
        string folder = Directory.CreateDirectory(Path.Combine(data.Path, "nothing")).FullName;
        Assert.Equal(2, Command.Run("measure", folder).ExitCode);
    }

    [Fact]
    public void Unreadable_files_are_an_error_when_named_and_counted_when_found()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Permissions are set with the modes of Unix.");
            return;
        }
        using DataFolder data = new();
        string secret = Path.Combine(data.Path, "noise");
        File.SetUnixFileMode(secret, UnixFileMode.None);
        File.SetUnixFileMode(data.Path,
            UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        string[] measure = ["measure", "--codec", "lz4", "--json", "-"];
        string[] asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet", Command.Program, .. measure];
        bool root = Environment.UserName == "root";
        Command named = root ? Command.RunProcess("setpriv", [.. asNobody, secret]) : Command.Run([.. measure, secret]);
        Assert.Equal(2, named.ExitCode);
        Assert.Contains("permission denied", named.Error, StringComparison.Ordinal);
        Command found = root ? Command.RunProcess("setpriv", [.. asNobody, data.Path]) : Command.Run([.. measure, data.Path]);
        Assert.True(found.ExitCode == 0, found.Error);
        Assert.True(found.Json.GetProperty("pagesSkipped").GetInt64() + found.Json.GetProperty("itemsSkipped").GetInt64() > 0);
        if (root)
        {
            Command process = Command.RunProcess("setpriv", [.. asNobody, "--pid", $"{Environment.ProcessId}"]);
            Assert.Equal(2, process.ExitCode);
            Assert.Contains("permission denied", process.Error, StringComparison.Ordinal);
        }
        File.SetUnixFileMode(data.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
