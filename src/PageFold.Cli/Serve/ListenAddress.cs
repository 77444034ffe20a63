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
    private const int LongestName = 253;

    /// <summary>The address or name that is meant.</summary>
    /// <exception cref="UserErrorException">The text is neither.</exception>
    public static EndPoint Parse(string option, string text) =>
        Parse(option, text, "127.0.0.1:10809, [::1]:10809 or localhost:10809", examplePort: 10809);

    /// <summary>One address, for what listens at one; of a name the first, IPv4 where there is one.</summary>
    /// <exception cref="UserErrorException">The text is not one address with a port, or the name is not known, or the system's HTTP
    /// listener does not take the address.</exception>
    public static IPEndPoint ParseOne(string option, string text)
    {
        const int ExamplePort = 9809;
        const string Example = "127.0.0.1:9809";
        int colon = text.LastIndexOf(':');
        if (colon >= 0 && text[(colon + 1)..] == "0")
        {
            throw new UserErrorException(
                $"{option} {text} has no possible port (0); choose a port from 1 to {ushort.MaxValue}, as in {Example}.");
        }
        if (colon >= 0 && text[..colon] is "" or "*" or "0.0.0.0" or "[::]")
            throw new UserErrorException($"{option} {text} does not name one address; write one that this machine has, as in {Example}.");
        EndPoint parsed = Parse(option, text, Example, ExamplePort);
        IPEndPoint address = parsed is DnsEndPoint name ? First(option, text, name) : (IPEndPoint)parsed;
        // .NET's own listener takes the first colon of an address for that before the port.
        return address.AddressFamily == AddressFamily.InterNetwork || OperatingSystem.IsWindows()
            ? address
            : throw new UserErrorException(
                $"{option} {text} is an address of IPv6, at which metrics cannot be served here; write one of IPv4, as in {Example}.");
    }

    private static EndPoint Parse(string option, string text, string examples, int examplePort)
    {
        // An address of IPv6 alone has colons too, and no port.
        bool hasPort = text.Contains("]:", StringComparison.Ordinal) || text.Count(c => c == ':') == 1;
        if (hasPort && IPEndPoint.TryParse(text, out IPEndPoint? address))
            return address;
        int colon = text.LastIndexOf(':');
        string host = hasPort ? text[..colon] : string.Empty;
        if (ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && IsName(host))
            return new DnsEndPoint(host, port);
        if (hasPort && host is "" or "*" && text[(colon + 1)..] == port.ToString(CultureInfo.InvariantCulture))
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
                    + $"{host}:{examplePort}.");
        }
        throw new UserErrorException($"{option} {Arguments.Shown(text)} is no address; write for example {examples}.");
    }

    private static IPEndPoint First(string option, string text, DnsEndPoint name)
    {
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

    // What begins with a digit is a mistyped address. Longer names are none.
    private static bool IsName(string host) =>
        host.Length is > 0 and <= LongestName && char.IsAsciiLetter(host[0])
        && host.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.');
}
