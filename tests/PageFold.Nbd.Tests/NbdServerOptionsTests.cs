using System.Net;

namespace PageFold.Nbd.Tests;

/// <summary>What a server refuses to be made with.</summary>
public sealed class NbdServerOptionsTests : IDisposable
{
    private readonly RamDisk _disk = TestDisk.Make();

    public void Dispose() => _disk.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_rate_of_refusals_below_one_is_refused(int rate)
    {
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => new NbdServer(new NbdServerOptions
        {
            Exports = [new NbdExport { Disk = _disk }],
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            RefusalsPerSecond = rate,
        }));
        Assert.Equal("RefusalsPerSecond", refused.ParamName);
        Assert.Contains("at least 1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_null_is_refused_by_name()
    {
        NbdExport export = new() { Disk = _disk };
        IPEndPoint here = new(IPAddress.Loopback, 0);
        Refused("Exports is null; name at least one.", null!, [here]);
        Refused("Exports is empty; name at least one.", [], [here]);
        Refused("Exports has a null at 1; leave it out.", [export, null!], [here]);
        Refused("EndPoints is null; name at least one.", [export], null!);
        Refused("EndPoints has a null at 0; leave it out.", [export], [null!]);
        Refused("Disk is null; give the disk to serve.", [new NbdExport { Disk = null! }], [here]);
        Refused("Name is null; choose a name, or \"\"", [new NbdExport { Disk = _disk, Name = null! }], [here]);

        static void Refused(string expected, IReadOnlyList<NbdExport> exports, IReadOnlyList<EndPoint> endPoints)
        {
            ArgumentException refused = Assert.Throws<ArgumentException>(
                () => new NbdServer(new NbdServerOptions { Exports = exports, EndPoints = endPoints }));
            Assert.StartsWith(expected, refused.Message, StringComparison.Ordinal);
            Assert.Equal(expected.Split(' ')[0], refused.ParamName);
        }
    }

    [Fact]
    public async Task A_server_that_was_started_twice_refuses_and_ends_all_the_same()
    {
        NbdServer server = new(new NbdServerOptions
        {
            Exports = [new NbdExport { Disk = _disk }], EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
        });
        server.Start();
        Assert.Contains("was started already", Assert.Throws<InvalidOperationException>(server.Start).Message, StringComparison.Ordinal);
        await server.DisposeAsync().AsTask().WaitAsync(RawClient.Patience, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("HandshakeTimeout", 0)]
    [InlineData("RequestTimeout", -1)]
    [InlineData("IdleTimeout", 0)]
    public void A_time_that_is_not_positive_is_refused(string option, int seconds)
    {
        TimeSpan time = TimeSpan.FromSeconds(seconds);
        NbdServerOptions options = new()
        {
            Exports = [new NbdExport { Disk = _disk }],
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            HandshakeTimeout = option == "HandshakeTimeout" ? time : TimeSpan.FromSeconds(1),
            RequestTimeout = option == "RequestTimeout" ? time : null,
            IdleTimeout = option == "IdleTimeout" ? time : null,
        };
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => new NbdServer(options));
        Assert.Equal(option, refused.ParamName);
        Assert.Contains("choose a positive time", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Exports")]
    [InlineData("EndPoints")]
    public void A_server_without_anything_to_serve_or_a_place_to_serve_it_is_refused(string option)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new NbdServer(new NbdServerOptions
        {
            Exports = option == "Exports" ? [] : [new NbdExport { Disk = _disk }],
            EndPoints = option == "EndPoints" ? [] : [new IPEndPoint(IPAddress.Loopback, 0)],
        }));
        Assert.Contains(option, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5000)]
    public void The_name_of_an_export_is_shown_escaped(int length)
    {
        NbdExport export = new() { Name = "\e[31m" + new string('n', length), Disk = _disk };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new NbdServer(new NbdServerOptions
        {
            Exports = [export, export],
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
        }));
        Assert.Contains("\\x1b[31m", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", refused.Message, StringComparison.Ordinal);
    }
}
