using System.Diagnostics;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>What a run of the built command, or of another program, gave.</summary>
internal sealed partial record Command(int ExitCode, string Output, string Error)
{
    public static string Root { get; } = FindRoot();

    /// <summary>The path of the command, beside these tests.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "PageFold.Cli.dll");

    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>Runs the command in a process of its own.</summary>
    public static Command RunAlone(params string[] arguments) => RunProcess("dotnet", [Program, .. arguments]);

    /// <summary>Runs a script of bash, for which the arguments are $0, $1 and so on.</summary>
    public static Command Shell(string script, params string[] arguments) => RunProcess("bash", ["-c", script, .. arguments]);

    /// <summary>
    /// How a process is started whose standard error is read. Where a shell started the tests in the background it has them, and what they
    /// start, ignore Ctrl-C and Ctrl-\, and nohup a hang-up; here they count again.
    /// </summary>
    public static ProcessStartInfo Prepare(string program, IEnumerable<string> arguments, string folder)
    {
        ProcessStartInfo start = OperatingSystem.IsLinux() ? new("env", ["--default-signal=INT,QUIT,HUP", program, .. arguments])
            : new(program, arguments);
        start.RedirectStandardError = true;
        start.WorkingDirectory = folder;
        return start;
    }

    public static Command RunProcess(
        string program, IEnumerable<string> arguments, Action<Process>? meanwhile = null, string? folder = null)
    {
        ProcessStartInfo start = Prepare(program, arguments, folder ?? Path.GetTempPath());
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            meanwhile?.Invoke(process);
        }
        catch
        {
            // A failed test must not leave a process at work beside the other tests.
            process.Kill(entireProcessTree: true);
            throw;
        }
        process.WaitForExit();
        return new Command(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>
    /// True once signals do not end the process any more but are handled by the command. SIGHUP is the last that it registers, and the only
    /// one of them that the runtime leaves alone before.
    /// </summary>
    public static bool ListensForInterrupts(Process process)
    {
        const ulong HangUp = 1 << 0;
        string caught = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
        return (Convert.ToUInt64(caught[7..].Trim(), 16) & HangUp) != 0;
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "PageFold.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder!;
    }
}
