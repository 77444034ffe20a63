using System.Net.Sockets;

namespace PageFold.Cli.Serve;

/// <summary>
/// Tells the service manager that started the command how far it is: a datagram to the socket that <c>NOTIFY_SOCKET</c> names, as
/// systemd's sd_notify(3) describes it. Without that variable there is nothing to tell.
/// </summary>
internal static class ServiceManager
{
    /// <summary>The server takes clients: units that are ordered after it may start.</summary>
    public const string Ready = "READY=1";

    /// <summary>The server has been asked to end, and still saves what it keeps.</summary>
    public const string Stopping = "STOPPING=1";

    private const int MaxMillisecondsToTell = 1000;
    private const string Variable = "NOTIFY_SOCKET";

    /// <summary>Sends a state. A server whose manager cannot be told serves all the same, and says so in its log.</summary>
    public static void Tell(string state, Action<string> log)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } name)
            return;
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
            {
                // A manager that takes nothing must not keep the disk from being saved.
                SendTimeout = MaxMillisecondsToTell,
            };
            // Names of Linux's abstract sockets begin with a zero byte, which no variable can hold.
            UnixDomainSocketEndPoint manager = new(name[0] == '@' ? $"\0{name[1..]}" : name);
            socket.SendTo(System.Text.Encoding.ASCII.GetBytes(state), manager);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or PlatformNotSupportedException)
        {
            log($"{Variable} {Arguments.Shown(name)}: {state} cannot be sent there ({e.Message.TrimEnd('.')}); "
                + "a unit with Type=notify fails to start without it");
        }
    }
}
