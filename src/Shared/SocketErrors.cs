using System.Net.Sockets;

namespace PageFold.Shared;

/// <summary>What errors of sockets mean.</summary>
internal static class SocketErrors
{
    /// <summary>True if an address cannot be listened at because this machine does not have it.</summary>
    public static bool IsNotOfThisMachine(SocketException e) => e.SocketErrorCode is
        SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported or SocketError.ProtocolFamilyNotSupported;
}
