using System.Net;
using System.Net.Sockets;
using PageFold.Shared;

namespace PageFold.Cli.Serve;

/// <summary>
/// The TCP addresses at which a server is to listen, tried before anything is made or loaded that takes long. A hint: another process may
/// take one meanwhile.
/// </summary>
internal static class TcpPlaces
{
    /// <summary>Refuses an address that two options name, and one that cannot be listened at.</summary>
    /// <exception cref="UserErrorException">There is one.</exception>
    public static void Check(ServeOptions options)
    {
        List<Place> places = [.. options.EndPoints.SelectMany(Listened)];
        if (options.Metrics is { } metrics)
            places.Add(new Place("--metrics", metrics.ToString(), metrics));
        for (int i = 0; i < places.Count; i++)
        {
            foreach (Place other in places.Take(i))
            {
                if (other.CollidesWith(places[i]))
                    throw new UserErrorException(
                        $"{other.Option} {other.Name} and {places[i].Option} {places[i].Name} name the same address; give each a port "
                        + "of its own, or leave one of them out.");
            }
        }
        foreach (IGrouping<(string, string), Place> addresses in places.GroupBy(place => (place.Option, place.Name)))
            Try(addresses);
    }

    private static IEnumerable<Place> Listened(EndPoint endPoint)
    {
        const string Listen = "--listen";
        if (endPoint is IPEndPoint address)
            return [new Place(Listen, $"{address}", address)];
        if (endPoint is not DnsEndPoint name)
            return [];
        string shown = $"{name.Host}:{name.Port}";
        try
        {
            return [.. Dns.GetHostAddresses(name.Host, name.AddressFamily).Distinct()
                .Select(one => new Place(Listen, shown, new IPEndPoint(one, name.Port)))];
        }
        catch (SocketException e)
        {
            throw CannotListen(Listen, shown, e);
        }
    }

    /// <summary>
    /// Tries all addresses of one name, or the one that was given. A name may have addresses that this machine has not; the server is
    /// content with one of them.
    /// </summary>
    private static void Try(IGrouping<(string Option, string Name), Place> addresses)
    {
        SocketException? refused = null;
        bool any = false;
        foreach (Place place in addresses)
        {
            try
            {
                using Socket socket = new(place.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                // It does not listen: no client is to come yet.
                socket.Bind(place.EndPoint);
                any = true;
            }
            catch (SocketException e) when (SocketErrors.IsNotOfThisMachine(e))
            {
                refused = e;
            }
            catch (SocketException e)
            {
                throw CannotListen(place.Option, place.Name, e);
            }
        }
        if (!any && refused is not null)
            throw CannotListen(addresses.Key.Option, addresses.Key.Name, refused);
    }

    private static UserErrorException CannotListen(string option, string name, SocketException e) => new(
        $"{option} {name}: cannot listen there ({new SocketException((int)e.SocketErrorCode).Message.TrimEnd('.')}); choose another.", e);

    /// <summary>An address that an option names.</summary>
    private readonly record struct Place(string Option, string Name, IPEndPoint EndPoint)
    {
        /// <summary>True if one of the two would be in the other's way.</summary>
        public bool CollidesWith(Place other)
        {
            IPAddress one = EndPoint.Address;
            IPAddress two = other.EndPoint.Address;
            return EndPoint.Port == other.EndPoint.Port && EndPoint.Port != 0 && (Option, Name) != (other.Option, other.Name)
                && one.AddressFamily == two.AddressFamily && (one.Equals(two) || IsAny(one) || IsAny(two));
        }

        private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
    }
}
