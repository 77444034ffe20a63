using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Carries requests out on the disk of an export; failures become errors of the protocol. Thread-safe.</summary>
/// <param name="export">The export.</param>
/// <param name="refusals">Notes each write that the disk refuses.</param>
/// <param name="failed">Receives what the disk could not do; the client is answered with an error, and the connection goes on.</param>
internal sealed class DiskCommands(NbdExport export, RefusalRate refusals, Action<Exception> failed)
{
    private readonly RamDisk _disk = export.Disk;

    /// <summary>Reads bytes; their memory is undefined after an error.</summary>
    public NbdError Read(long offset, Span<byte> destination)
    {
        try
        {
            _disk.Read(offset, destination);
            return NbdError.None;
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            return Failed(e);
        }
    }

    /// <summary>Writes bytes.</summary>
    public NbdError Write(long offset, ReadOnlySpan<byte> data)
    {
        try
        {
            return _disk.TryWrite(offset, data) ? NbdError.None : OutOfMemory();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            return Failed(e);
        }
    }

    /// <summary>Carries out a request that neither brings nor takes data.</summary>
    public NbdError Execute(in ReceivedRequest request)
    {
        try
        {
            switch (request.Command)
            {
                case NbdCommand.Trim:
                    _disk.Trim(request.Offset, request.Length);
                    return NbdError.None;
                case NbdCommand.WriteZeroes:
                    bool punch = !request.Has(CommandFlags.NoHole);
                    return _disk.TryZero(request.Offset, request.Length, punch) ? NbdError.None : OutOfMemory();
                case NbdCommand.Flush:
                    _ = _disk.Flush();
                    return NbdError.None;
                default:
                    // A page that is wanted soon is in memory already.
                    return NbdError.None;
            }
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            return Failed(e);
        }
    }

    /// <summary>True for the exceptions of a damaged or unreachable page.</summary>
    /// <remarks>Any other exception is a fault of the server and ends the connection.</remarks>
    private static bool IsOfTheDisk(Exception e) => e is PageCorruptException or IOException;

    private NbdError Failed(Exception e)
    {
        failed(e);
        return NbdError.InputOutput;
    }

    private NbdError OutOfMemory()
    {
        export.Counters.CountOutOfMemory();
        refusals.Add();
        return NbdError.NoSpace;
    }
}
