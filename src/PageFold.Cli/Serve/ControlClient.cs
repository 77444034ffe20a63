using System.Net.Sockets;
using System.Text.Json;
using PageFold.Cli.Interop;
using PageFold.Shared;

namespace PageFold.Cli.Serve;

/// <summary>Asks a serving command for something over its control socket.</summary>
internal static class ControlClient
{
    private static readonly TimeSpan PatienceAfterCancellation = TimeSpan.FromSeconds(3);

    // After this time without an answer to a question that is answered at once, the user is told.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    /// <summary>Sends a request and waits for its last answer.</summary>
    /// <param name="path">The control socket.</param>
    /// <param name="request">The request.</param>
    /// <param name="told">Gets what comes before the last answer.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="output">Receives the bytes of a snapshot; it is not completed here.</param>
    /// <exception cref="UserErrorException">There is no server, it is of another version, or it refuses.</exception>
    public static ControlReply Ask(
        string path, ControlRequest request, Action<ControlReply>? told, CancellationToken cancellation, SnapshotOutput? output = null)
    {
        using Socket socket = Connect(path);
        // What goes wrong then is the output's doing, not the server's.
        bool telling = false;
        try
        {
            // That no more is said tells the server to stop, and it tells what that leaves behind; one that does not is left.
            using CancellationTokenSource impatient = new();
            using CancellationTokenRegistration leaving = impatient.Token.Register(socket.Close);
            using CancellationTokenRegistration cancelled = cancellation.Register(() =>
            {
                SayNoMore(socket);
                impatient.CancelAfter(PatienceAfterCancellation);
            });
            using NetworkStream stream = new(socket);
            using Timer? silence = IsQuestion(request.Command) ? new(_ => TellOfSilence(path), null, Silence, Timeout.InfiniteTimeSpan)
                : null;
            request = request with { Version = ControlRequest.Current };
            stream.Write([.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n']);
            ControlReader reader = new(stream);
            while (reader.ReadReply() is { } reply)
            {
                silence?.Change(Timeout.Infinite, Timeout.Infinite);
                if (reply.Version != ControlRequest.Current)
                    throw OtherVersion(path, reply.Version);
                if (reply.IsLast)
                    return reply;
                ReadOnlySpan<byte> data = reader.ReadData(reply.DataBytes ?? 0);
                telling = true;
                if (reply.Length is { } length)
                    output?.Begin(length);
                if (!data.IsEmpty)
                    output?.Write(reply.Offset.GetValueOrDefault(), data);
                told?.Invoke(reply);
                telling = false;
            }
        }
        catch (NbdGreetingException e)
        {
            string control = ServeCommand.ControlOf(path);
            string remedy = Path.Exists(control) ? $"its control socket is {control}"
                : "give the control socket, as 'pagefold serve' said it when it began";
            throw new UserErrorException($"--control {path} is the socket of a disk, for NBD clients; {remedy}.", e);
        }
        catch (Exception e) when (!telling && (e is IOException or ObjectDisposedException or SocketException))
        {
            if (cancellation.IsCancellationRequested)
                return new ControlReply { Error = Interrupted(request.Command), ExitCode = ExitCodes.Interrupted };
            throw new UserErrorException(
                $"--control {path}: the server went away ({e.Message.TrimEnd('.')}), or left this command because it took nothing for "
                + $"{SnapshotStream.Patience.TotalSeconds:0} seconds; its log says so. Run the command again.", e);
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"--control {path}: what answers there is no PageFold server of this version.", e);
        }
        cancellation.ThrowIfCancellationRequested();
        throw new UserErrorException(
            $"--control {path}: the server went away without an answer; what was moved until then stays so, and each step is whole.");
    }

    private static bool IsQuestion(string command) => command is "stat" or "pages";

    private static void TellOfSilence(string path) => Console.Error.WriteLine(PrintableText.Of(
        $"pagefold: --control {path}: the server has not answered for {Silence.TotalSeconds:0} seconds; it may be stopped or overloaded. "
        + "Ctrl-C ends the waiting."));

    private static string Interrupted(string command) => IsQuestion(command)
        ? "interrupted; the server has not answered."
        : "interrupted; the server has not said yet what that leaves behind: it ends the work at its next step.";

    private static Socket Connect(string path)
    {
        string shorter = ServeArguments.SocketPath("--control", path);
        if (!Path.Exists(shorter))
            throw new UserErrorException(
                $"--control {path}: no server answers there (it does not exist); give the path that 'pagefold serve' said when it began.");
        if (OperatingSystem.IsLinux() && Descriptor.Status(shorter, follow: true) is { Kind: not FileKind.Socket } status)
        {
            string what = status.Kind == FileKind.Folder ? "a folder" : "no socket";
            throw new UserErrorException(
                $"--control {path} is {what}; give the path of the control socket that 'pagefold serve' said when it began.");
        }
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(shorter));
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            if (e.SocketErrorCode == SocketError.AccessDenied)
                throw new UserErrorException(
                    $"--control {path} may not be opened by this user; run the command as the user that serves, or as root.", e);
            string ended = e.SocketErrorCode == SocketError.ConnectionRefused ? "it has ended or was killed; " : string.Empty;
            throw new UserErrorException(
                $"--control {path}: no server answers there ({new SocketException((int)e.SocketErrorCode).Message}); {ended}give the path "
                + "that 'pagefold serve' said when it began.", e);
        }
    }

    private static UserErrorException OtherVersion(string path, int? theirs) =>
        new(
            $"--control {path}: the server speaks version {theirs ?? 1} of the control protocol, and this command version "
            + $"{ControlRequest.Current}; use the pagefold that serves.");

    private static void SayNoMore(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The server has gone already.
        }
    }
}
