using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>
/// <c>pagefold serve</c>, with a Unix socket in the test's folder: in a process that runs other commands before and after, or in a process
/// of its own. It ends with the test if it was not ended before.
/// </summary>
internal sealed class ServeProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Of the two, exactly one.
    private readonly HostedCommand? _hosted;
    private readonly Process? _process;
    private readonly List<string> _log = [];

    private ServeProcess(ServeFolder folder, string socket, HostedCommand hosted)
    {
        Folder = folder;
        SocketPath = socket;
        _hosted = hosted;
    }

    private ServeProcess(ServeFolder folder, string socket, string[] command)
    {
        Folder = folder;
        SocketPath = socket;
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

    public int Id => _process?.Id ?? _hosted!.Id;

    public bool HasExited => _process?.HasExited ?? _hosted!.HasExited;

    public string Log
    {
        get
        {
            if (_hosted is not null)
                return _hosted.Error;
            lock (_log)
                return string.Join('\n', _log);
        }
    }

    /// <summary>Starts the command, in a process that runs others before and after, and waits until it serves.</summary>
    public static ServeProcess Start(ServeFolder folder, params string[] options) =>
        StartsAnew(options) ? StartAlone(folder, options) : UntilItServes(() => new ServeProcess(
            folder, folder.NewSocket(out string socket), HostedCommand.StartServer(folder.Path, ["serve", "--unix", socket, .. options])));

    /// <summary>Starts the command in a process of its own and waits until it serves.</summary>
    public static ServeProcess StartAlone(ServeFolder folder, params string[] options) => StartThrough(folder, [], options);

    /// <summary>Starts the command in a process of its own and waits only until it has printed a text.</summary>
    public static ServeProcess StartUntil(ServeFolder folder, string said, params string[] options) =>
        UntilSaid(() => Alone(folder, [], options), said);

    /// <summary>Starts it by another command that executes it, such as a shell that opens descriptors.</summary>
    public static ServeProcess StartThrough(ServeFolder folder, string[] launcher, params string[] options) =>
        UntilItServes(() => Alone(folder, launcher, options));

    /// <summary>True for a server that replaces its process by a new one, so that it cannot share it.</summary>
    public static bool StartsAnew(string[] arguments) => arguments.Contains("--lock-memory");

    /// <summary>Waits for a condition, and fails if it does not become true in time.</summary>
    public static void Until(Func<bool> condition, string what)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < Patience, $"{what} did not come about");
            // Some conditions are expensive: they start a command, or read files.
            Thread.Sleep(waited.ElapsedMilliseconds < 100 ? 1 : 4);
        }
    }

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
        if (_hosted is not null)
        {
            Assert.True(_hosted.WaitForExit(Patience), "the server did not end");
            return _hosted.Result().ExitCode;
        }
        Assert.True(_process!.WaitForExit(Patience), "the server did not end");
        // After this the last output has been received too.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Kills the server without a warning, like a crash.</summary>
    public void Kill()
    {
        if (_hosted is not null)
        {
            _hosted.Kill();
            return;
        }
        _process!.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (_hosted is not null)
        {
            // The process is used again, unless the server does not end soon.
            if (!_hosted.HasExited)
                Signal("-TERM", Id);
            if (!_hosted.WaitForExit(TimeSpan.FromSeconds(10)))
                _hosted.Kill();
            _hosted.Result();
            return;
        }
        if (!HasExited)
            Kill();
        _process!.Dispose();
    }

    private static ServeProcess Alone(ServeFolder folder, string[] launcher, string[] options) => new(
        folder, folder.NewSocket(out string socket), [.. launcher, "dotnet", Command.Program, "serve", "--unix", socket, .. options]);

    private static ServeProcess UntilItServes(Func<ServeProcess> start)
    {
        ServeProcess server = UntilSaid(start, "serving at");
        if (!server.HasExited)
            return server;
        server.Dispose();
        Assert.Fail(server.Log);
        return server;
    }

    private static ServeProcess UntilSaid(Func<ServeProcess> start, string said)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and the sockets are Unix's.");
        ServeProcess server = start();
        try
        {
            Until(() => server.HasExited || server.Log.Contains(said, StringComparison.Ordinal), said);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }
}
