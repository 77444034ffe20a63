using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>A request of a client, validated.</summary>
/// <param name="Header">The request.</param>
/// <param name="Error">What the protocol answers to a request that the export does not take; none if it does.</param>
/// <param name="Started">When the work on it began, by <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</param>
internal readonly record struct ReceivedRequest(NbdRequest Header, NbdError Error, long Started)
{
    public NbdCommand Command => Header.Command;

    public ulong Cookie => Header.Cookie;

    /// <summary>The first byte; within the disk only where there is no error.</summary>
    public long Offset => (long)Header.Offset;

    public uint Length => Header.Length;

    public bool Has(CommandFlags flag) => (Header.Flags & flag) != 0;
}
