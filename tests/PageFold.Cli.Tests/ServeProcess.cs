using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>
/// <c>pagefold serve</c> as a process of its own, with a Unix socket in the test's folder. It is killed with the test if it was not ended
/// before.
/// </summary>
internal sealed class ServeProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly List<string> _log = [];

    private ServeProcess(ServeFolder folder, string socket, string[] launcher, string[] options)
    {
        Folder = folder;
        SocketPath = socket;
        string[] command = [.. launcher, "dotnet", Command.Program, "serve", "--unix", socket, .. options];
        _process = Process.Start(Command.Prepare(command[0], command[1..], folder.Path))!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
                _log.Add(line.Data ?? string.Empty);
        };
        _process.BeginErrorReadLine();
    }

    public ServeFolder Folder { get; }

    public string SocketPath { get; }

    public string ControlPath => SocketPath + ".control";

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Log
    {
        get
        {
            lock (_log)
                return string.Join('\n', _log);
        }
    }

    /// <summary>Starts the command and waits until it serves.</summary>
    public static ServeProcess Start(ServeFolder folder, params string[] options) => StartThrough(folder, [], options);

    /// <summary>Starts the command and waits only until it has printed a text.</summary>
    public static ServeProcess StartUntil(ServeFolder folder, string said, params string[] options)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and the sockets are Unix's.");
        ServeProcess server = new(folder, folder.NewSocket(), [], options);
        try
        {
            Until(() => server._process.HasExited || server.Log.Contains(said, StringComparison.Ordinal), said);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Starts it by another command that executes it, such as a shell that opens descriptors.</summary>
    public static ServeProcess StartThrough(ServeFolder folder, string[] launcher, params string[] options)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and the sockets are Unix's.");
        ServeProcess server = new(folder, folder.NewSocket(), launcher, options);
        try
        {
            Until(() => server._process.HasExited || server.Log.Contains("serving at", StringComparison.Ordinal), "a server");
            Assert.False(server._process.HasExited, server.Log);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a condition, and fails if it does not become true in time.</summary>
    public static void Until(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, Patience), $"{what} did not come about");

    /// <summary>Waits until a process has worked for a while: by the processor time that it takes, however busy the machine is.</summary>
    public static void UntilAtWork(Process process)
    {
        TimeSpan? begun = null;
        Until(
            () =>
            {
                process.Refresh();
                if (process.HasExited)
                    return true;
                begun ??= process.TotalProcessorTime;
                return process.TotalProcessorTime - begun > TimeSpan.FromMilliseconds(400);
            },
            "a process at work");
    }

    /// <summary>A TCP port on which no process listens now.</summary>
    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Terminates a server of another process once its socket exists.</summary>
    public static void EndOnceItServes(Process process, string socket)
    {
        Until(() => process.HasExited || File.Exists(socket), "a server");
        if (!process.HasExited)
            Signal("-TERM", process.Id);
    }

    public static void Signal(string signal, int process)
    {
        using Process kill = Process.Start("kill", [signal, $"{process}"]);
        kill.WaitForExit();
    }

    public ServeClient Connect(string export = "") => ServeClient.Attach(new UnixDomainSocketEndPoint(SocketPath), export);

    /// <summary>Connects to the control socket, for arbitrary requests.</summary>
    public Socket ConnectToControl()
    {
        int patience = (int)Patience.TotalMilliseconds;
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = patience,
            SendTimeout = patience,
        };
        socket.Connect(new UnixDomainSocketEndPoint(ControlPath));
        return socket;
    }

    /// <summary>Runs another command with this server's control socket.</summary>
    public Command Ask(params string[] arguments) => Folder.Run([.. arguments, "--control", ControlPath]);

    /// <summary>Runs another command, expects success and returns its figures.</summary>
    public JsonElement Figures(params string[] arguments)
    {
        Command run = Ask([.. arguments, "--json"]);
        Assert.True(run.ExitCode == 0, $"exit {run.ExitCode}: {run.Error}");
        return run.Json;
    }

    /// <summary>The figures of one export from stat.</summary>
    public JsonElement Stat(int export = 0) => Figures("stat").GetProperty("exports")[export];

    /// <summary>Terminates the server as an administrator does and returns the exit code.</summary>
    public int Terminate(string signal = "-TERM")
    {
        Signal(signal, Id);
        Assert.True(_process.WaitForExit(Patience), "the server did not end");
        // After this the last output has been received too.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Kills the server without a warning, like a crash.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
