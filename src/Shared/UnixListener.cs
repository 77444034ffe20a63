using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Shared;

/// <summary>
/// A Unix socket that listens under a path, for its owner alone. A stale socket, one that a killed server has left and behind which no
/// process listens, is taken over; anything else under the path is left alone.
/// </summary>
/// <remarks>
/// <para>
/// Whether a socket is stale is found out by connecting: the kernel refuses a connection where no process listens. Between that and the new
/// socket another server could do the same, and each would remove the other's socket. So all of it, the end of a listener included, happens
/// under an advisory lock on the folder, which leaves no file behind: of several servers that start at once one takes over, and the others
/// find it alive.
/// </para>
/// <para>Where folders cannot be locked (other systems than Linux, folders that may not be read, some network file systems), nothing is
/// taken over.</para>
/// </remarks>
internal sealed class UnixListener : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly FileIdentity? _identity;

    private UnixListener(Socket socket, string path, bool tookOver)
    {
        (Socket, _path, TookOver) = (socket, path, tookOver);
        _identity = OperatingSystem.IsLinux() ? UnixFiles.Identify(path) : null;
    }

    /// <summary>The listening socket. Closed by <see cref="Dispose"/>, which removes the file too.</summary>
    public Socket Socket { get; }

    /// <summary>A stale socket was in the way and has been replaced.</summary>
    public bool TookOver { get; }

    /// <summary>Listens.</summary>
    /// <param name="path">Where, at most 107 bytes; relative to the working folder, which must not change before the end.</param>
    /// <param name="backlog">Connections that wait to be accepted.</param>
    /// <exception cref="SocketException"><see cref="SocketError.AddressAlreadyInUse"/>: a process listens there, or the path is something
    /// else than a socket. Others: the folder is missing, or may not be written to.</exception>
    public static UnixListener Listen(string path, int backlog)
    {
        using SafeFileHandle? folder = LockFolderOf(path);
        bool stale = folder is not null && IsStale(path);
        if (stale)
            File.Delete(path);
#pragma warning disable CA2000 // The listener owns it.
        return new UnixListener(Bind(path, backlog), path, stale);
#pragma warning restore CA2000
    }

    /// <summary>
    /// Whether a path is a socket behind which no process listens: a server that begins to listen there takes it over. A hint, since that
    /// may change at once.
    /// </summary>
    public static bool IsStale(string path) => OperatingSystem.IsLinux() && UnixFiles.Identify(path) is { IsSocket: true } && Refuses(path);

    /// <summary>Closes the socket and removes its file, unless another one has come into its place.</summary>
    public void Dispose()
    {
        using SafeFileHandle? folder = LockFolderOf(_path);
        Socket.Dispose();
        if (OperatingSystem.IsLinux() && _identity is { } mine && UnixFiles.Identify(_path) != mine)
            return;
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder is closed to this process by now; the next server takes the socket over.
        }
    }

    private static SafeFileHandle? LockFolderOf(string path) =>
        OperatingSystem.IsLinux() ? UnixFiles.LockFolder(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".") : null;

    private static Socket Bind(string path, int backlog)
    {
        Socket bound = New();
        try
        {
            bound.Bind(new UnixDomainSocketEndPoint(path));
            // Before it listens, so that no other user connects first.
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, OwnerOnly);
            bound.Listen(backlog);
            return WithoutFile(bound);
        }
        catch
        {
            bound.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The same socket for .NET as if it had not been bound here: otherwise its end removes what lies under the path, whose it may be.
    /// </summary>
    private static Socket WithoutFile(Socket bound)
    {
        if (OperatingSystem.IsWindows())
            return bound;
#pragma warning disable CA2000 // The socket owns it.
        SafeSocketHandle handle = new(bound.SafeHandle.DangerousGetHandle(), ownsHandle: true);
#pragma warning restore CA2000
        bound.SafeHandle.SetHandleAsInvalid();
#pragma warning disable CA1816 // Its finalizer would remove the file.
        GC.SuppressFinalize(bound);
#pragma warning restore CA1816
        return new Socket(handle);
    }

    private static bool Refuses(string path)
    {
        using Socket socket = New();
        try
        {
            // A server whose backlog is full is alive, and must not be waited for. Socket.Connect waits in the system call even if the
            // socket is set not to block; this does not.
            socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).GetAwaiter().GetResult();
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
