using PageFold.Disks;
using PageFold.Nbd.Protocol;
using PageFold.Nbd.Session;

namespace PageFold.Nbd;

/// <summary>A disk under a name that clients ask for.</summary>
public sealed class NbdExport
{
    /// <summary>The name; the empty one is what clients get that ask for none.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>What a client that lists the exports is told beside the name.</summary>
    public string Description { get; init; } = string.Empty;

    /// <summary>The disk. The server does not dispose it; it has to outlive the server, so dispose the server first.</summary>
    public required RamDisk Disk { get; init; }

    /// <summary>Refuses all that would change the disk.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Connections that use the export now.</summary>
    public long Connections => Counters.Connections;

    /// <summary>Connections that have used the export so far.</summary>
    public long TotalConnections => Counters.Connected;

    /// <summary>Writes that were refused because memory was short.</summary>
    public long OutOfSpaceErrors => Counters.NoSpace;

    /// <summary>What became of the requests of one kind.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public CommandActivity GetActivity(RequestKind kind)
    {
        Throw.IfUnknown(kind);
        return Counters.Read((NbdCommand)kind);
    }

    internal RequestCounters Counters { get; } = new();
}
