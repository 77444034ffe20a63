using PageFold.Nbd.Session;

namespace PageFold.Nbd.Tests.Session;

/// <summary>A client that repeats refused writes is answered at the stated rate, and holds up only its own writes.</summary>
public class RefusalRateTests
{
    private const int Page = 4096;
    private const long Size = 1L << 40;

    // Far from what the disk holds, so that even zeros need memory there.
    private const ulong Refused = Size / 2;

    // A thousand a second, and a tenth of a second's at once.
    private const int Burst = 100;
    private const int HalfBurst = Burst / 2;

    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(Command.Write)]
    [InlineData(Command.WriteZeroes)]
    public void Refusals_come_at_the_stated_rate_after_a_burst(int command)
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        Repeat(client, 10 * Burst, command);
        TakeRefusals(client, Burst);
        AwaitPause(serving, Burst);
        // The connection is woken once half a burst is paid, and not for each refusal.
        _clock.Advance(TimeSpan.FromMilliseconds(HalfBurst));
        AwaitPause(serving, Burst);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        TakeRefusals(client, HalfBurst + 1);
        AwaitPause(serving, Burst + HalfBurst + 1);
        _clock.Advance(TimeSpan.FromMilliseconds(60));
        TakeRefusals(client, 60);
        AwaitPause(serving, Burst + HalfBurst + 61);
        // However long the pause, no more than a burst comes at once after it.
        _clock.Advance(TimeSpan.FromHours(1));
        TakeRefusals(client, Burst);
        AwaitPause(serving, 2 * Burst + HalfBurst + 61);
    }

    [Fact]
    public void Refused_requests_that_other_threads_work_on_count_too()
    {
        using Serving serving = FullDisk(HalvingDisk());
        using RawClient client = serving.Attach();
        int sent = 3 * Burst;
        Repeat(client, sent, Command.Write);
        // Those that are under way when the burst is used up are refused as well, and paid for later.
        TakeRefusals(client, Burst);
        Serving.Until(() => _clock.IsAwaited, "the pause");
        for (int allowed = Burst; serving.Export.OutOfSpaceErrors < sent; allowed++)
        {
            Serving.Until(() => _clock.IsAwaited || serving.Export.OutOfSpaceErrors == sent, "the pause");
            Assert.InRange(serving.Export.OutOfSpaceErrors, 0, allowed + SlowRequests.Most);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        TakeRefusals(client, sent - Burst);
    }

    [Fact]
    public void What_is_no_write_is_answered_though_refusals_are_owed()
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        Repeat(client, Burst, Command.Write);
        TakeRefusals(client, Burst);
        Assert.Equal(new byte[Page], client.Read((long)Refused, Page));
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        client.Trim(0, Page);
        Assert.False(_clock.IsAwaited);
    }

    [Fact]
    public void Other_connections_write_while_one_waits()
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        using RawClient other = serving.Attach();
        Repeat(client, 2 * Burst, Command.Write);
        AwaitPause(serving, Burst);
        byte[] content = Content.Of(Page, 99);
        other.Write(0, content);
        Content.AssertSame(content, other.Read(0, Page), "an overwrite");
        Assert.Equal(Errno.NoSpace, other.Do(Command.Write, Refused, Page, payload: Content.Of(Page, 1)).Error);
        other.Trim(0, Page);
        AwaitPause(serving, Burst + 1);
    }

    [Fact]
    public void Writes_that_succeed_are_owed_nothing_for()
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        for (int i = 0; i < 3 * Burst; i++)
            client.Write(0, Content.Of(Page, (ulong)i));
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public void A_server_that_stops_does_not_wait_for_the_clock()
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        Repeat(client, 2 * Burst, Command.Write);
        AwaitPause(serving, Burst);
        Task stopping = serving.Server.StopAsync(RawClient.Patience);
        TakeRefusals(client, Burst);
        // What was sent before is told that the server ends, at once.
        Assert.Equal(Errno.Shutdown, client.TakeMessage().Error);
        client.TakeToTheEnd();
        Assert.True(stopping.Wait(RawClient.Patience));
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public void A_connection_that_is_cut_off_does_not_wait_for_the_clock()
    {
        using Serving serving = FullDisk();
        using RawClient client = serving.Attach();
        Repeat(client, 2 * Burst, Command.WriteZeroes);
        AwaitPause(serving, Burst);
        Assert.True(serving.Server.StopAsync(TimeSpan.Zero).Wait(RawClient.Patience));
        Assert.Equal(0, serving.Export.Connections);
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public void Without_a_rate_refusals_are_not_bounded()
    {
        using Serving serving = FullDisk(refusalsPerSecond: null);
        using RawClient client = serving.Attach();
        Repeat(client, 10 * Burst, Command.Write);
        TakeRefusals(client, 10 * Burst);
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public void In_any_span_of_time_no_more_are_allowed_than_the_rate_and_the_burst() =>
        Gen.Select(Gen.Int[1, 5000], Gen.Int[0, 400].Array[1, 300]).Sample((rate, pauses) =>
        {
            ManualClock clock = new();
            using RefusalRate refusals = new(rate, clock, new Signal());
            List<double> times = [];
            foreach (int pause in pauses)
            {
                clock.Advance(TimeSpan.FromMilliseconds(pause / 100.0));
                while (refusals.IsPaid())
                {
                    refusals.Add();
                    times.Add(clock.GetElapsedTime(0).TotalSeconds);
                }
            }
            int burst = Math.Max(1, rate / 10);
            Assert.True(times.Count >= burst);
            for (int first = 0; first < times.Count; first += 17)
            {
                // Whole ticks of the clock make the rate a little higher than stated, by less than a thousandth.
                for (int last = first; last < times.Count; last++)
                {
                    double span = times[last] - times[first];
                    if (last - first + 1 > burst + 1 + span * rate * 1.001)
                        Assert.Fail($"{last - first + 1} refusals in {span} s at {rate} a second");
                }
            }
        }, iter: 50);

    private static RamDisk HalvingDisk() => TestDisk.Make(Size, codec: new HalvingCodec("slow"), limit: 2 << 20);

    /// <summary>
    /// A disk that has taken what memory there is: nothing new is accepted, not even zeros, and the first pages can be written over.
    /// </summary>
    private Serving FullDisk(RamDisk? disk = null, int? refusalsPerSecond = 1000)
    {
        disk ??= TestDisk.Make(Size, limit: 2 << 20);
        byte[] content = Content.Of(Page, 7);
        long end = 0;
        while (disk.TryWrite(end, content))
            end += Page;
        Assert.InRange(end, 256 * Page, 1 << 20 << 1);
        // A part of the tables each, until those find no memory either.
        for (long far = Size - Page; disk.TryZero(far, Page, punch: false); far -= 1 << 30)
            Assert.True(far > Size * 3 / 4);
        return new Serving([new NbdExport { Disk = disk }], refusalsPerSecond: refusalsPerSecond, clock: _clock);
    }

    private static void Repeat(RawClient client, int times, int command)
    {
        byte[] content = Content.Of(Page, 3);
        _ = Content.OnItsOwnThread(() =>
        {
            try
            {
                for (int i = 0; i < times; i++)
                {
                    if (command == Command.Write)
                        client.Request(command, Refused, Page, payload: content);
                    else
                        client.Request(command, Refused, Page, Flag.NoHole);
                }
            }
            catch (IOException)
            {
                // The server ends in the middle of some tests.
            }
        });
    }

    private static void TakeRefusals(RawClient client, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.Equal(Errno.NoSpace, client.TakeMessage().Error);
    }

    /// <summary>Waits until the connection waits for the clock; so many were refused by then.</summary>
    private void AwaitPause(Serving serving, long refused)
    {
        Serving.Until(() => _clock.IsAwaited, "the pause");
        Assert.Equal(refused, serving.Export.OutOfSpaceErrors);
    }
}
