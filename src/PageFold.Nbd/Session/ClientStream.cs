using System.Net.Sockets;

namespace PageFold.Nbd.Session;

/// <summary>
/// A client's socket, with blocking reads and writes that do not block.
/// </summary>
/// <remarks>
/// <para>
/// The reader, the connection's thread, waits in the system call itself, and the client wakes it with no other thread in between: a request
/// costs a few microseconds, and each change of threads as much again. Reading has the asynchronous form that pipes and <see
/// cref="System.Net.Security.SslStream"/> need, but <see cref="ReadAsync(Memory{byte}, CancellationToken)"/> has always ended when it
/// returns.
/// </para>
/// <para>
/// A writer sends what the socket has room for, and leaves the rest to the system's readiness events. So a client that takes no replies
/// holds up no thread.
/// </para>
/// <para>One thread reads, writers take turns, and <see cref="Shut"/> and <see cref="ShutReading"/> are for any thread.</para>
/// </remarks>
internal sealed class ClientStream(Socket socket) : Stream
{
    private readonly Socket _socket = socket;

    /// <summary>True if a write waits on the writer's thread, as in the handshake, which runs on the connection's thread.</summary>
    public bool WritesBlock { get; set; } = true;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Prepares the socket before its first use: calls that would wait return an error instead.</summary>
    /// <exception cref="SocketException">The client has gone already.</exception>
    public void Open() => _socket.Blocking = false;

    /// <summary>Ends reading after what was received so far; replies still go out.</summary>
    public void ShutReading() => ShutDown(SocketShutdown.Receive);

    /// <summary>Ends reading and writing, and wakes the threads that wait in either.</summary>
    public void Shut() => ShutDown(SocketShutdown.Both);

    /// <summary>Reads what is there; false if nothing is, in which case the caller waits.</summary>
    public bool TryRead(Span<byte> buffer, out int count)
    {
        count = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
        if (error == SocketError.Success)
            return true;
        Check(error);
        return false;
    }

    /// <summary>Waits until there is something to read, or the end; false if that takes longer.</summary>
    public bool WaitToRead(TimeSpan time) => _socket.Poll(time, SelectMode.SelectRead);

    /// <summary>Reads what comes next. A read of nothing waits until there is something.</summary>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            WaitToRead(Timeout.InfiniteTimeSpan);
            return 0;
        }
        while (true)
        {
            int count = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
                return count;
            Await(error, SelectMode.SelectRead);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Read(buffer, offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = _socket.Send(buffer, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
                buffer = buffer[count..];
            else
                Await(error, SelectMode.SelectWrite);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!WritesBlock)
            return SendAsync(buffer, cancellationToken);
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // Nothing is kept.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            while (!buffer.IsEmpty)
                buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None, cancellation)..];
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private void Await(SocketError error, SelectMode readiness)
    {
        Check(error);
        _socket.Poll(Timeout.InfiniteTimeSpan, readiness);
    }

    /// <summary>Throws unless the error only says that nothing can be done at the moment.</summary>
    private static void Check(SocketError error)
    {
        if (error is not (SocketError.WouldBlock or SocketError.Interrupted))
        {
            SocketException inner = new((int)error);
            throw new IOException(inner.Message, inner);
        }
    }

    private void ShutDown(SocketShutdown what)
    {
        try
        {
            _socket.Shutdown(what);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }
}
