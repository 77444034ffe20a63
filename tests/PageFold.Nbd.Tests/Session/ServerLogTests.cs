using PageFold.Nbd.Session;

namespace PageFold.Nbd.Tests.Session;

/// <summary>The log says what happened once per kind and minute, whatever clients repeat.</summary>
public class ServerLogTests
{
    private readonly List<string> _lines = [];
    private readonly Clock _clock = new();

    [Fact]
    public void Lines_that_differ_in_numbers_are_told_once_a_minute_with_a_count()
    {
        ServerLog log = new(_lines.Add, _clock);
        for (int i = 0; i < 1000; i++)
        {
            log.Tell($"page {i} is damaged");
            log.Sum();
        }
        Assert.Equal(["page 0 is damaged"], _lines);
        _clock.Now += TimeSpan.FromMinutes(1);
        log.Sum();
        Assert.Equal("... 999 more like this in the last minute: page 0 is damaged", _lines[^1]);
        log.Tell("page 7 is damaged");
        Assert.Equal("page 7 is damaged", _lines[^1]);
        Assert.Equal(3, _lines.Count);
    }

    [Fact]
    public void However_many_kinds_there_are_the_lines_of_a_minute_are_bounded_and_none_steers_a_terminal()
    {
        ServerLog log = new(_lines.Add, _clock);
        for (int i = 0; i < 10_000; i++)
            log.Tell($"{new string((char)('a' + i % 26), 1 + i / 26)}\u001b[31m\n");
        Assert.InRange(_lines.Count, 1, ServerLog.MaxKinds + 1);
        Assert.DoesNotContain(_lines, line => line.Any(char.IsControl));
    }

    [Fact]
    public void A_thousand_reads_of_a_damaged_page_are_one_line_which_does_not_say_that_the_connection_is_closed()
    {
        const int Page = 4096;
        using Serving serving = new(TestDisk.Make(64 * Page, Page, new HalvingCodec("lz4, as it were")));
        using RawClient client = serving.Attach();
        client.Write(0, HalvingCodec.Content(Page, 1, 2, HalvingCodec.Damaged));
        for (int i = 0; i < 1000; i++)
            Assert.NotEqual(Errno.None, client.Do(Command.Read, 0, Page).Error);
        Assert.DoesNotContain("closed", Assert.Single(serving.Log), StringComparison.Ordinal);
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
