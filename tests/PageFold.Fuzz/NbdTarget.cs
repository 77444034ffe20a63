using System.Net.Sockets;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Fuzz;

/// <summary>
/// Sends bytes to a server over a Unix socket, ends the sending side and takes the answer to its end. The server has to close the
/// connection in time and go on serving: after each input another client reads what it has written.
/// </summary>
internal sealed class NbdTarget : IDisposable
{
    private const int Timeout = 20_000;
    private const int BlockBytes = 4096;

    // Requests that read as much as they can would only take time.
    private const int MaxAnswered = 64 << 20;

    private static readonly byte[] Hello =
        [0, 0, 0, 3, .. "IHAVEOPT"u8, 0, 0, 0, 1, 0, 0, 0, 4, .. "kept"u8];

    private readonly string _file;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-fuzz-");
    private readonly NbdServer _server;
    private readonly byte[] _buffer = new byte[256 << 10];
    private readonly Socket _neighbour;

    /// <param name="file">Where each input is written before it is sent, so that it is left behind if the process ends.</param>
    public NbdTarget(string file)
    {
        _file = file;
        string path = Path.Combine(_folder.FullName, "socket");
        EndPoint = new UnixDomainSocketEndPoint(path);
        _server = new NbdServer(new NbdServerOptions
        {
            Exports = [new NbdExport { Name = "kept", Disk = NewDisk() }, new NbdExport { Name = "prey", Disk = NewDisk() }],
            EndPoints = [EndPoint],
        });
        _server.Start();
        _neighbour = Connect();
        _neighbour.Send(Hello);
        Receive(_neighbour, 18 + 10);
        Exchange(command: 1, payload: Enumerable.Repeat((byte)0x5A, BlockBytes).ToArray(), answer: 16);
    }

    private UnixDomainSocketEndPoint EndPoint { get; }

    public void Run(byte[] input)
    {
        File.WriteAllBytes(_file, input);
        using (Socket client = Connect())
        {
            // Sends and takes in turn: an input may ask for more than a socket holds.
            Task sending = Task.Factory.StartNew(
                () => Send(client, input), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            for (long taken = 0; taken < MaxAnswered;)
            {
                int received = Take(client);
                if (received == 0)
                    break;
                taken += received;
            }
            client.Close();
            if (!sending.Wait(Timeout))
                throw new TimeoutException("the server neither takes what is sent nor closes the connection");
        }
        byte[] answer = Exchange(command: 0, payload: [], answer: 16 + BlockBytes);
        if (answer.AsSpan(16).ContainsAnyExcept((byte)0x5A))
            throw new InvalidDataException("another client's content has changed");
    }

    public void Dispose()
    {
        _neighbour.Dispose();
        _server.DisposeAsync().AsTask().Wait();
        _folder.Delete(recursive: true);
        File.Delete(_file);
    }

    private static RamDisk NewDisk() => new(new RamDiskOptions { Length = 4 << 20,
        Store = new PageStoreOptions { MemoryLimit = 32 << 20 } });

    private static void Send(Socket client, byte[] input)
    {
        try
        {
            for (int sent = 0; sent < input.Length;)
                sent += client.Send(input.AsSpan(sent));
            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The server has had enough, which is its right.
        }
    }

    private Socket Connect()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = Timeout,
            SendTimeout = Timeout };
        socket.Connect(EndPoint);
        return socket;
    }

    private int Take(Socket client)
    {
        try
        {
            return client.Receive(_buffer);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException("the server neither answers nor closes the connection");
        }
        catch (SocketException)
        {
            // Closed with something unread, as a server may that has had enough.
            return 0;
        }
    }

    private byte[] Exchange(byte command, byte[] payload, int answer)
    {
        _neighbour.Send((byte[])[0x25, 0x60, 0x95, 0x13, 0, 0, 0, command, .. new byte[16], 0, 0, BlockBytes >> 8, 0, .. payload]);
        byte[] reply = Receive(_neighbour, answer);
        return reply is [0x67, 0x44, 0x66, 0x98, 0, 0, 0, 0, ..] ? reply
            : throw new InvalidDataException($"another client's request is answered with {Convert.ToHexString(reply.AsSpan(0, 16))}");
    }

    private static byte[] Receive(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int taken = 0; taken < count;)
        {
            int received = socket.Receive(bytes.AsSpan(taken));
            if (received == 0)
                throw new InvalidDataException("the server has closed another client's connection");
            taken += received;
        }
        return bytes;
    }
}
