using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PageFold.Cli.Serve;

/// <summary>
/// Addresses to listen on: 127.0.0.1:10809, [::1]:10809, or a name such as localhost:10809, which stands for all its addresses that this
/// machine has.
/// </summary>
internal static class ListenAddress
{
    /// <summary>The address or name that is meant.</summary>
    /// <exception cref="UserErrorException">The text is neither.</exception>
    public static EndPoint Parse(string option, string text)
    {
        // An address of IPv6 alone has colons too, and no port.
        bool hasPort = text.Contains("]:", StringComparison.Ordinal) || text.Count(c => c == ':') == 1;
        if (hasPort && IPEndPoint.TryParse(text, out IPEndPoint? address))
            return address;
        int colon = text.LastIndexOf(':');
        string host = hasPort ? text[..colon] : string.Empty;
        if (ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && IsName(host))
            return new DnsEndPoint(host, port);
        if (hasPort && port > 0 && host is "" or "*")
        {
            throw new UserErrorException(
                $"{option} {text} names no address; for all of this machine's write 0.0.0.0:{port} or [::]:{port}, for this machine alone "
                    + $"localhost:{port}.");
        }
        if (IsName(host) || IPAddress.TryParse(host, out _))
        {
            string given = text[(colon + 1)..];
            throw new UserErrorException(
                $"{option} {text} has no possible port ({Arguments.Shown(given)}); choose a port from 1 to {ushort.MaxValue}, as in "
                    + $"{host}:10809.");
        }
        throw new UserErrorException(
            $"{option} {Arguments.Shown(text)} is no address; write for example 127.0.0.1:10809, [::1]:10809 or localhost:10809.");
    }

    /// <summary>One address, for what listens at one; of a name the first, IPv4 where there is one.</summary>
    /// <exception cref="UserErrorException">The text is no address, or the name is not known.</exception>
    public static IPEndPoint ParseOne(string option, string text)
    {
        EndPoint parsed = Parse(option, text);
        if (parsed is not DnsEndPoint name)
            return (IPEndPoint)parsed;
        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(name.Host)
                .MinBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)!, name.Port);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new UserErrorException(
                $"{option} {text}: the name is not known ({e.Message.TrimEnd('.')}); name an address, as in 127.0.0.1:{name.Port}.", e);
        }
    }

    // What begins with a digit is a mistyped address.
    private static bool IsName(string host) =>
        host.Length > 0 && char.IsAsciiLetter(host[0]) && host.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.');
}
