using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>A log that a thousand equal troubles do not fill, and that no name from outside can write lines of its own into.</summary>
public class ServeLogTests
{
    [Fact]
    public void A_thousand_lines_of_one_kind_are_two()
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
            // A kind that keeps coming waits for its next minute; one that had stopped is told at once.
            log.TellSeldom("client 127.0.0.1:1: page 2 cannot be read");
            log.TellSeldom("another kind");
            Assert.Equal(["pagefold: another kind"], lines[3..]);
        }
        Assert.Equal("pagefold: client 127.0.0.1:1: page 2 cannot be read (and 0 more like it)", lines[^1]);
        Assert.Equal(5, lines.Count);
    }

    [Fact]
    public void What_was_left_out_can_be_told_before_a_line_that_ends_it()
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
    public void Lines_of_ever_new_kinds_take_no_memory_and_are_told_seldom_too()
    {
        List<string> lines = [];
        using ServeLog log = new(lines.Add, new Clock());
        for (int kind = 0; kind < 10_000; kind++)
            log.TellSeldom(new string((char)('A' + kind % 26), 1 + kind / 26));
        Assert.InRange(lines.Count, 1, 100);
    }

    [Fact]
    public void A_line_that_comes_once_is_always_told_whole_and_escaped()
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
                // It never fires by itself.
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
