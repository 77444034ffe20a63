using System.Net.Sockets;
using System.Text.Json;

namespace PageFold.Cli.Serve;

/// <summary>The server's side of one control connection: sends lines, and bytes behind them. Used by one thread at a time.</summary>
internal sealed class ControlReplies(Socket socket)
{
    // Bytes that a line has announced may be missing, so nothing can follow; and the client takes nothing that would be waited for.
    private bool _gaveUp;
    private TimeSpan _patience;

    /// <summary>Sends a line, and waits for as long as the client takes to read what was sent before: a pager may take its time.</summary>
    /// <exception cref="IOException">The client took nothing before, and was given up.</exception>
    public void Tell(ControlReply reply) => Send(Line(reply));

    /// <summary>Sends a line and the bytes that it announces.</summary>
    /// <param name="reply">The line.</param>
    /// <param name="data">The bytes.</param>
    /// <param name="patience">How long the client may take nothing at all.</param>
    /// <exception cref="IOException">The client takes nothing, or has gone.</exception>
    public void Tell(ControlReply reply, ReadOnlySpan<byte> data, TimeSpan patience)
    {
        socket.SendTimeout = (int)patience.TotalMilliseconds;
        try
        {
            Send(Line(reply));
            Send(data);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            _gaveUp = true;
            _patience = patience;
            throw LeftBehind(e);
        }
        finally
        {
            socket.SendTimeout = 0;
        }
    }

    private static byte[] Line(ControlReply reply) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(reply with { Version = ControlRequest.Current }, ControlJson.Default.ControlReply),
            (byte)'\n'];

    private ControlTimeoutException LeftBehind(Exception? cause = null) =>
        new($"the command that asked for it took nothing for {_patience.TotalSeconds:0} seconds", cause);

    private void Send(ReadOnlySpan<byte> bytes)
    {
        if (_gaveUp)
            throw LeftBehind();
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }
}

/// <summary>A client took nothing for too long, and was given up.</summary>
internal sealed class ControlTimeoutException : IOException
{
    public ControlTimeoutException(string message)
        : base(message)
    {
    }

    public ControlTimeoutException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    public ControlTimeoutException()
    {
    }
}
