using System.Diagnostics;

namespace PageFold.Tables;

/// <summary>A process whose memory is typical of programs of one kind.</summary>
/// <remarks>It fills its memory, says so by a line, and waits to be ended.</remarks>
internal sealed class Workload : IDisposable
{
    private readonly Process _process;

    private Workload(string kind, Process process) => (Kind, _process) = (kind, process);

    /// <summary>What it is.</summary>
    public string Kind { get; }

    /// <summary>The process.</summary>
    public int Pid => _process.Id;

    /// <summary>Starts a program and waits until it has filled its memory; null if this system does not have it.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Workload? Start(string kind, string program, params ReadOnlySpan<string> arguments)
    {
        if (StartProcess(program, arguments) is not { } process)
        {
            Console.WriteLine($"{kind}: there is no {program} here, so its memory is not among the samples");
            return null;
        }
        if (process.StandardOutput.ReadLine() == "ready")
            return new Workload(kind, process);
        process.Kill();
        process.Dispose();
        throw new InvalidOperationException($"{program} has ended without filling its memory.");
    }

    /// <summary>Starts the C# compiler's server and has it compile sources twice; null if the compiler is not there.</summary>
    /// <param name="roslyn">The compiler's folder in the SDK.</param>
    /// <param name="sources">The folder of the sources.</param>
    public static Workload? StartCompiler(string roslyn, string sources)
    {
        string pipe = $"pagefold-tables-{Environment.ProcessId}";
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        if (StartProcess(dotnet, ["exec", Path.Combine(roslyn, "bincore", "VBCSCompiler.dll"), $"-pipename:{pipe}"]) is not { } server)
            return null;
        string output = Path.GetTempFileName();
        string response = Path.GetTempFileName();
        try
        {
            string references = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
            File.WriteAllLines(response,
            [
                "-noconfig", "-nostdlib", "-unsafe", "-nullable", "-langversion:preview", "-target:library", $"-out:\"{output}\"",
                .. Directory.GetFiles(references, "System*.dll").Where(IsManaged).Select(file => $"-r:\"{file}\""),
                .. Directory.GetFiles(sources, "*.cs", SearchOption.AllDirectories).Select(file => $"\"{file}\""),
            ]);
            for (int i = 0; i < 2; i++)
            {
                // Errors do not matter: the server has read and bound everything.
                using Process client = StartProcess(
                    dotnet, ["exec", Path.Combine(roslyn, "bincore", "csc.dll"), $"/shared:{pipe}", "/keepalive:600", $"@{response}"])!;
                client.StandardOutput.ReadToEnd();
                client.WaitForExit();
            }
        }
        finally
        {
            File.Delete(output);
            File.Delete(response);
        }
        return new Workload("compiler", server);
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Process? StartProcess(string program, ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static bool IsManaged(string file)
    {
        try
        {
            System.Reflection.AssemblyName.GetAssemblyName(file);
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
