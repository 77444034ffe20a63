using System.Diagnostics;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>
/// A process that runs one command line after another, with the command's own settings of the runtime. Linux; not thread-safe.
/// </summary>
/// <remarks>
/// The start of the runtime and compilation take most of the time of a short command. A command that is run here shares its process with
/// others before and after it: where the end of the process, inherited descriptors, the environment, the rights of a user or the memory of
/// the process matter, it gets a process of its own (<see cref="Command.RunProcess"/>).
/// </remarks>
internal sealed class CommandHost : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _log;
    private readonly BinaryWriter _requests;
    private readonly BinaryReader _replies;

    public CommandHost()
    {
        string command = Path.ChangeExtension(Command.Program, null);
        string[] arguments =
        [
            "exec", "--runtimeconfig", command + ".runtimeconfig.json", "--depsfile", command + ".deps.json",
            Path.Combine(AppContext.BaseDirectory, "PageFold.Cli.Host.dll"),
        ];
        ProcessStartInfo start = Command.Prepare("dotnet", arguments, Path.GetTempPath());
        start.RedirectStandardInput = true;
        // Each run would be counted for a better optimization, and code would be mapped twice: neither pays in a few minutes.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.RedirectStandardOutput = true;
        _process = Process.Start(start)!;
        _log = _process.StandardError.ReadToEndAsync();
        _requests = new BinaryWriter(_process.StandardInput.BaseStream);
        _replies = new BinaryReader(_process.StandardOutput.BaseStream);
    }

    public int Id => _process.Id;

    /// <summary>Runs a command line to its end and returns the exit code; the process may be killed meanwhile.</summary>
    /// <param name="folder">The working folder.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="written">Receives what the command writes: the descriptor, and the bytes.</param>
    public int Run(string folder, string[] arguments, Action<int, byte[]> written)
    {
        try
        {
            _requests.Write(folder);
            _requests.Write(arguments.Length);
            foreach (string argument in arguments)
                _requests.Write(argument);
            _requests.Flush();
            while (true)
            {
                int descriptor = _replies.ReadByte();
                byte[] bytes = _replies.ReadBytes(_replies.ReadInt32());
                if (descriptor == 0)
                    return BitConverter.ToInt32(bytes);
                written(descriptor, bytes);
            }
        }
        catch (IOException)
        {
            HasEnded = true;
            _process.WaitForExit();
            written(2, Encoding.UTF8.GetBytes(_log.Result));
            return _process.ExitCode;
        }
    }

    /// <summary>True if a command, or a signal, has ended the process.</summary>
    public bool HasEnded { get; private set; }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        // At the end of its input the process ends.
        _requests.Dispose();
        _replies.Dispose();
        _process.WaitForExit();
        _process.Dispose();
    }
}
