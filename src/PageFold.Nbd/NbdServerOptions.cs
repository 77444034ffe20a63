using System.Net;

namespace PageFold.Nbd;

/// <summary>Options of an <see cref="NbdServer"/>.</summary>
public sealed record NbdServerOptions
{
    /// <summary>What is served. At least one; names differ.</summary>
    public required IReadOnlyList<NbdExport> Exports { get; init; }

    /// <summary>
    /// Where to listen: TCP addresses, names with a port, and Unix sockets. At least one. Under the path of a Unix socket may be a stale
    /// socket or nothing; the socket is removed at the end.
    /// </summary>
    public required IReadOnlyList<EndPoint> EndPoints { get; init; }

    /// <summary>Encryption. Null (the default) offers none.</summary>
    public NbdTls? Tls { get; init; }

    /// <summary>The most connections at once; one more is closed as soon as it is there. Default 128.</summary>
    public int MaxConnections { get; init; } = 128;

    /// <summary>
    /// The most bytes that all connections have in hand together: what their clients send, replies on their way, slow requests. At least
    /// 396 KiB (405,504 bytes) for each of <see cref="MaxConnections"/>, of which each connection is sure; what is beyond is shared, and
    /// a connection that gets no more of it waits for its client to take replies, and does slow requests one after the other. Memory that
    /// no connection needs for two seconds goes back to the system. Null (the default) is those 396 KiB for each, and 32 MiB.
    /// </summary>
    public long? ConnectionMemory { get; init; }

    /// <summary>
    /// Takes the bytes of <see cref="ConnectionMemory"/> that connections are sure of when the server starts, and keeps them until it
    /// ends, so that serving needs less memory of a system that is short of it. Default false.
    /// </summary>
    public bool KeepConnectionMemory { get; init; }

    /// <summary>
    /// The most bytes of replies that wait for one connection's client to take them, if <see cref="ConnectionMemory"/> has so many for it;
    /// until it takes some, no more of its requests are read. Default 4 MiB.
    /// </summary>
    public int MaxReplyBytes { get; init; } = 4 << 20;

    /// <summary>
    /// How many writes of one connection are refused in a second for want of memory, over and above a tenth of that at once. A client that
    /// repeats refused writes faster waits for their replies; its reads wait only behind its own writes, and other connections do not wait.
    /// At least 1; null is no bound. Default 1,000.
    /// </summary>
    public int? RefusalsPerSecond { get; init; } = 1000;

    /// <summary>How long a client may take to agree on an export, encryption included. Default 10 seconds.</summary>
    public TimeSpan? HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may be silent in the middle of a request. Default 60 seconds.</summary>
    public TimeSpan? RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a client may be silent between requests, or leave its replies untaken.</summary>
    /// <remarks>Null (the default) is without limit, since a disk may be idle for days.</remarks>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Receives a line for the log when something went wrong with a connection. Called from any thread.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>The least <see cref="ConnectionMemory"/> for so many connections.</summary>
    public static long MinConnectionMemory(int maxConnections) => maxConnections * Session.ConnectionMemory.GuaranteedBytes;

    /// <summary>What <see cref="RefusalsPerSecond"/> is measured by.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Tells the log, whose own troubles are not the connections'.</summary>
    internal void Tell(string line)
    {
        try
        {
            Log?.Invoke(line);
        }
#pragma warning disable CA1031 // It may be called on a thread where whatever is not caught ends the process.
        catch (Exception)
#pragma warning restore CA1031
        {
            // There is nowhere else to tell it.
        }
    }
}
