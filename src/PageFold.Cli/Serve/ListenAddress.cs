using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace PageFold.Cli.Serve;

/// <summary>Addresses to listen on: 127.0.0.1:10809, [::1]:10809, or a name of this machine such as localhost:10809, which may stand for several.</summary>
internal static class ListenAddress
{
    /// <summary>All addresses that are meant; of a name those that this machine has.</summary>
    /// <exception cref="UserErrorException">The text is no address, or the name is none of this machine's.</exception>
    public static IReadOnlyList<IPEndPoint> Parse(string option, string text)
    {
        // An address of IPv6 alone has colons too, and no port.
        bool hasPort = text.Contains("]:", StringComparison.Ordinal) || text.Count(c => c == ':') == 1;
        if (hasPort && IPEndPoint.TryParse(text, out IPEndPoint? address))
            return [address];
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? string.Empty : text[..colon];
        if (!hasPort || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || !IsName(host))
            throw new UserErrorException($"{option} {Arguments.Shown(text)} is no address; write for example 127.0.0.1:10809, [::1]:10809 or localhost:10809.");
        IPAddress[] own = [.. Resolve(option, text, host).Where(IsOwn).Distinct()];
        if (own.Length == 0)
            throw new UserErrorException($"{option} {text}: {host} is none of this machine's names; name an address that it has, as in 127.0.0.1:{port}.");
        return [.. own.Select(found => new IPEndPoint(found, port))];
    }

    /// <summary>The first of the addresses, for what listens at one.</summary>
    public static IPEndPoint ParseOne(string option, string text) => Parse(option, text)[0];

    // What begins with a digit is a mistyped address.
    private static bool IsName(string host) => host.Length > 0 && char.IsAsciiLetter(host[0]) && host.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.');

    private static IPAddress[] Resolve(string option, string text, string host)
    {
        try
        {
            // IPv4 first, which every client has.
            return [.. Dns.GetHostAddresses(host).OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)];
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new UserErrorException($"{option} {text}: the name {host} is not known ({e.Message.TrimEnd('.')}); name an address, as in 127.0.0.1:10809.", e);
        }
    }

    /// <summary>True for an address that an interface of this machine has; ::1 is none where IPv6 is off.</summary>
    private static bool IsOwn(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork && IPAddress.IsLoopback(address) ||
        NetworkInterface.GetAllNetworkInterfaces().Any(face => face.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(address)));
}
