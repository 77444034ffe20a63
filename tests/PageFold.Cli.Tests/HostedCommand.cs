using System.Collections.Concurrent;
using System.Text;

[assembly: AssemblyFixture(typeof(PageFold.Cli.Tests.EndOfHosts))]

namespace PageFold.Cli.Tests;

/// <summary>A command line that runs in a <see cref="CommandHost"/>, which runs others before and after.</summary>
internal sealed class HostedCommand
{
    private readonly CommandHosts _hosts;
    private readonly CommandHost _host;
    private readonly Lock _lock = new();
    private readonly MemoryStream _output = new();
    private readonly MemoryStream _error = new();
    private readonly Task<int> _running;
    private int _isOver;

    private HostedCommand(CommandHosts hosts, string folder, string[] arguments)
    {
        _hosts = hosts;
        _host = hosts.Take();
        _running = Task.Factory.StartNew(
            () => _host.Run(folder, arguments, Take), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The number of the process.</summary>
    public int Id => _host.Id;

    public bool HasExited => _running.IsCompleted;

    /// <summary>What the command has written to standard error until now.</summary>
    public string Error => Text(_error);

    /// <summary>Starts a server.</summary>
    public static HostedCommand StartServer(string folder, params string[] arguments) => new(CommandHosts.Servers, folder, arguments);

    /// <summary>Runs a command line to its end, or kills its process if it does not end in time.</summary>
    public static Command Run(string folder, params string[] arguments)
    {
        HostedCommand command = new(CommandHosts.Commands, folder, arguments);
        if (!command.WaitForExit(4 * ServeProcess.Patience))
            command.Kill();
        return command.Result();
    }

    /// <summary>Waits until the command has ended, or for the given time.</summary>
    public bool WaitForExit(TimeSpan patience) => _running.Wait(patience);

    /// <summary>Waits until the command has ended, and has its process run others.</summary>
    public Command Result()
    {
        int exitCode = _running.GetAwaiter().GetResult();
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
            _hosts.GiveBack(_host);
        return new Command(exitCode, Text(_output), Text(_error));
    }

    /// <summary>Kills the process.</summary>
    public void Kill()
    {
        _host.Kill();
        _running.Wait();
    }

    private string Text(MemoryStream stream)
    {
        lock (_lock)
            return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private void Take(int descriptor, byte[] bytes)
    {
        MemoryStream stream = descriptor == 1 ? _output : _error;
        lock (_lock)
            stream.Write(bytes);
    }
}

/// <summary>The hosts of all tests: as many as commands run at the same time.</summary>
internal sealed class CommandHosts
{
    // The one that was used last has compiled the most.
    private readonly ConcurrentStack<CommandHost> _idle = new();

    /// <summary>Hosts of servers. Apart, so that each host compiles only one half of the command.</summary>
    public static CommandHosts Servers { get; } = new();

    /// <summary>Hosts of other commands.</summary>
    public static CommandHosts Commands { get; } = new();

    public CommandHost Take() => _idle.TryPop(out CommandHost? host) ? host : new CommandHost();

    public void GiveBack(CommandHost host)
    {
        if (host.HasEnded)
            host.Dispose();
        else
            _idle.Push(host);
    }

    public void End()
    {
        while (_idle.TryPop(out CommandHost? host))
            host.Dispose();
    }
}

/// <summary>Ends the hosts with the tests.</summary>
public sealed class EndOfHosts : IDisposable
{
    public void Dispose()
    {
        CommandHosts.Servers.End();
        CommandHosts.Commands.End();
    }
}
