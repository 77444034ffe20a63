using System.Net;
using System.Net.Sockets;
using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>Addresses that two options name, and addresses that cannot be used: refused before anything is made.</summary>
public class ServeAddressTests
{
    [Theory]
    [InlineData("--listen 127.0.0.1:1077 and --listen localhost:1077 name the same address", "127.0.0.1:1077", "localhost:1077")]
    [InlineData("--listen 127.0.0.1:1077 and --listen 0.0.0.0:1077 name the same address", "127.0.0.1:1077", "0.0.0.0:1077")]
    [InlineData("--listen 0.0.0.0:1077 and --listen 127.0.0.1:1077 name the same address", "0.0.0.0:1077", "127.0.0.1:1077")]
    [InlineData("--listen [::1]:1077 and --listen [::]:1077 name the same address", "[::1]:1077", "[::]:1077")]
    public void Options_that_name_the_same_address_are_refused_by_name(string expected, params string[] listen)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => TcpPlaces.Check(Options(listen, metrics: null)));
        Assert.StartsWith(expected, e.Message, StringComparison.Ordinal);
        Assert.EndsWith("give each a port of its own, or leave one of them out.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:1077")]
    [InlineData("0.0.0.0:1077")]
    [InlineData("localhost:1077")]
    public void Metrics_have_an_address_of_their_own(string listen)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => TcpPlaces.Check(Options([listen], "127.0.0.1:1077")));
        Assert.StartsWith($"--listen {listen} and --metrics 127.0.0.1:1077 name the same address", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_that_do_not_overlap_are_accepted()
    {
        int port = ServeProcess.FreePort();
        TcpPlaces.Check(Options([$"127.0.0.1:{port}", $"127.0.0.2:{port}"], $"127.0.0.3:{port}"));
        // The system chooses two ports.
        TcpPlaces.Check(Options(["127.0.0.1:0", "localhost:0"], metrics: null));
        if (Socket.OSSupportsIPv6)
            TcpPlaces.Check(Options([$"0.0.0.0:{port}", $"[::]:{port}"], metrics: null));
    }

    [Fact]
    public void An_address_in_use_by_another_process_is_reported_with_its_option()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        string taken = other.LocalEndpoint.ToString()!;
        string name = $"localhost:{((IPEndPoint)other.LocalEndpoint).Port}";
        foreach ((string expected, ServeOptions options) in ((string, ServeOptions)[])
        [
            ($"--listen {taken}: cannot listen there (", Options([taken], metrics: null)),
            ($"--listen {name}: cannot listen there (", Options([name], metrics: null)),
            ($"--metrics {taken}: cannot listen there (", Options([], taken)),
        ])
        {
            Assert.StartsWith(
                expected, Assert.Throws<UserErrorException>(() => TcpPlaces.Check(options)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_name_without_a_usable_address_is_refused()
    {
        // An IP address as a name has itself as its only address. These are for documentation, and no machine has them.
        ServeOptions options = Options([], metrics: null) with { EndPoints = [new DnsEndPoint("192.0.2.1", 1077)] };
        Assert.StartsWith(
            "--listen 192.0.2.1:1077: cannot listen there (",
            Assert.Throws<UserErrorException>(() => TcpPlaces.Check(options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_has_a_maximum_length()
    {
        string name = string.Join('.', Enumerable.Repeat(new string('a', 50), 6));
        Assert.StartsWith("--listen ", Assert.Throws<UserErrorException>(
            () => TcpPlaces.Check(Options([$"{name}:1077"], metrics: null))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(":0", "--metrics :0 has no possible port (0); choose a port from 1 to 65535, as in 127.0.0.1:9809.")]
    [InlineData("127.0.0.1:0", "--metrics 127.0.0.1:0 has no possible port (0); choose a port from 1 to 65535, as in 127.0.0.1:9809.")]
    [InlineData("localhost:0", "--metrics localhost:0 has no possible port (0)")]
    [InlineData(":9809", "--metrics :9809 does not name one address; write one that this machine has, as in 127.0.0.1:9809.")]
    [InlineData("0.0.0.0:9809", "--metrics 0.0.0.0:9809 does not name one address; write one that this machine has")]
    [InlineData("[::]:9809", "--metrics [::]:9809 does not name one address; write one that this machine has")]
    [InlineData("", "--metrics '' is no address")]
    public void Metrics_are_served_at_one_address_with_a_port(string text, string expected) => Assert.StartsWith(
        expected, Assert.Throws<UserErrorException>(() => ListenAddress.ParseOne("--metrics", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Metrics_are_not_served_at_IPv6_where_the_listener_cannot()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The system's listener can.");
        Assert.StartsWith(
            "--metrics [::1]:9809 is an address of IPv6, at which metrics cannot be served here; write one of IPv4",
            Assert.Throws<UserErrorException>(() => ListenAddress.ParseOne("--metrics", "[::1]:9809")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(":0", "--listen :0 names no address; for all of this machine's write 0.0.0.0:0")]
    [InlineData("*:00", "--listen *:00 is no address")]
    public void A_port_that_the_system_chooses_needs_an_address_too(string text, string expected) => Assert.StartsWith(
        expected, Assert.Throws<UserErrorException>(() => ListenAddress.Parse("--listen", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_command_refuses_before_it_makes_anything()
    {
        using ServeFolder folder = new();
        string place = $"127.0.0.1:{ServeProcess.FreePort()}";
        folder.AssertServeRefused(["--size", "1MiB", "--listen", place, "--metrics", place, "--keep", folder["k"]],
            $"--listen {place} and --metrics {place} name the same address", "give each a port of its own");
    }

    private static ServeOptions Options(string[] listen, string? metrics) => new()
    {
        Exports = [new ExportOptions(string.Empty)],
        EndPoints = [.. listen.Select(text => ListenAddress.Parse("--listen", text))],
        Metrics = metrics is null ? null : ListenAddress.ParseOne("--metrics", metrics),
        Codec = new NamedCodec("lz4", PageCodec.Lz4),
        Upkeep = new UpkeepOptions(),
    };
}
