using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>The log: a thousand equal events do not fill it, and no name from outside can add lines to it.</summary>
public class ServeLogTests
{
    [Fact]
    public void A_thousand_lines_of_one_kind_become_two()
    {
        List<string> lines = [];
        Clock clock = new();
        using (ServeLog log = new(lines.Add, clock))
        {
            for (int page = 0; page < 1000; page++)
                log.TellSeldom($"client 127.0.0.1:{40_000 + page}: page {page} cannot be read");
            log.TellSeldom("another kind");
            Assert.Equal(["pagefold: client 127.0.0.1:40000: page 0 cannot be read", "pagefold: another kind"], lines);
            clock.Pass(TimeSpan.FromMinutes(1));
            Assert.Equal("pagefold: client 127.0.0.1:40999: page 999 cannot be read (and 998 more like it)", lines[2]);
            // A kind that continues waits for its next minute. One that had stopped is reported at once.
            log.TellSeldom("client 127.0.0.1:1: page 2 cannot be read");
            log.TellSeldom("another kind");
            Assert.Equal(["pagefold: another kind"], lines[3..]);
        }
        Assert.Equal("pagefold: client 127.0.0.1:1: page 2 cannot be read", lines[^1]);
        Assert.Equal(5, lines.Count);
    }

    [Fact]
    public void Suppressed_lines_can_be_reported_before_a_line_that_ends_them()
    {
        List<string> lines = [];
        using (ServeLog log = new(lines.Add, new Clock()))
        {
            for (int page = 0; page < 3; page++)
                log.TellSeldom($"page {page} cannot be read");
            log.TellOmitted();
            log.Tell("ending");
        }
        Assert.Equal(
            ["pagefold: page 0 cannot be read", "pagefold: page 2 cannot be read (and 1 more like it)", "pagefold: ending"], lines);
    }

    [Fact]
    public void Lines_of_ever_new_kinds_take_no_memory_and_are_rare_too()
    {
        List<string> lines = [];
        using ServeLog log = new(lines.Add, new Clock());
        for (int kind = 0; kind < 10_000; kind++)
            log.TellSeldom(new string((char)('A' + kind % 26), 1 + kind / 26));
        Assert.InRange(lines.Count, 1, 100);
    }

    [Fact]
    public void A_single_line_is_always_written_completely_and_escaped()
    {
        List<string> lines = [];
        using ServeLog log = new(lines.Add, new Clock());
        log.Tell("serving at nbd://127.0.0.1:1");
        log.Tell("serving at nbd://127.0.0.1:2");
        log.TellSeldom("export '\e[2J\nroot: all is well' is not known");
        Assert.Equal(
            ["pagefold: serving at nbd://127.0.0.1:1", "pagefold: serving at nbd://127.0.0.1:2",
            "pagefold: export '\\x1b[2J\\nroot: all is well' is not known"], lines);
    }

    private sealed class Clock : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State)> _timers = [];
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((callback, state));
            return new Inert();
        }

        public void Pass(TimeSpan time)
        {
            _now += time.Ticks;
            _timers.ForEach(timer => timer.Callback(timer.State));
        }

        private sealed class Inert : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                // The timer never fires by itself.
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
