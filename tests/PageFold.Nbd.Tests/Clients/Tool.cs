using System.Diagnostics;

namespace PageFold.Nbd.Tests.Clients;

/// <summary>Runs a program that speaks NBD, or works on what it copies. None runs for ever.</summary>
internal sealed record Tool(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // The system's own first: nbdsh takes the first Python, and the system's is the one that has libnbd's module.
    private static readonly string[] Folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin",
        .. (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator)];

    /// <summary>The path of a program; skips the test if it is not there.</summary>
    public static string Find(string program)
    {
        string? found = Folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, $"{program} is not installed.");
        return found!;
    }

    /// <summary>Runs a program, which has to end well.</summary>
    public static Tool Run(string program, params string[] arguments)
    {
        Tool run = Try(program, arguments);
        Assert.True(run.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {run.ExitCode}\n{run.Error}\n{run.Output}");
        return run;
    }

    public static Tool Try(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end: {error.Result}{output.Result}");
        }
        return new Tool(process.ExitCode, output.Result, error.Result);
    }

    public static Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(Find(program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["PATH"] = string.Join(Path.PathSeparator, Folders);
        return Process.Start(start)!;
    }
}
