using System.Numerics;
using PageFold.Caching.Expiry;

namespace PageFold.Caching.Tests.Expiry;

/// <summary>Deadlines in ticks: nothing lives longer than it should, and no value overflows.</summary>
public class CacheClockTests
{
    private static readonly long[] Frequencies = [1, 1000, 3_579_545, 10_000_000, 1_000_000_000, 25_000_000_000];

    private static readonly Gen<(long Frequency, long Start, double Seconds, TimeSpan Interval)> Moments = Gen.Select(
        Gen.Int[0, Frequencies.Length - 1].Select(index => Frequencies[index]),
        Gen.Long[-1L << 40, 1L << 40],
        Gen.Double[0, 1e7],
        Gen.Long[1, 200_000_000L * 10_000_000].Select(TimeSpan.FromTicks));

    [Fact]
    public void An_entry_expires_at_most_a_tick_early_and_never_late() => Moments.Sample(
        moment =>
        {
            SettableTime time = new(moment.Frequency) { Timestamp = moment.Start };
            CacheClock clock = new(time);
            long set = (long)(moment.Seconds * moment.Frequency);
            time.Timestamp = moment.Start + set;
            uint deadline = clock.After(moment.Interval);
            // The first timestamp at which the interval is over, and the last at which it lasts for a tick more.
            BigInteger end = (BigInteger)moment.Interval.Ticks * moment.Frequency;
            time.Timestamp = moment.Start + set + (long)((end + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond);
            Assert.True(clock.Now >= deadline, $"{clock.Now} at the end, deadline {deadline}");
            BigInteger before = (BigInteger)(moment.Interval.Ticks - CacheClock.TimeSpanTicks) * moment.Frequency
                / TimeSpan.TicksPerSecond - 1;
            if (before < 0)
                return;
            time.Timestamp = moment.Start + set + (long)before;
            Assert.True(clock.Now < deadline, $"{clock.Now} a tick before, deadline {deadline}");
        },
        iter: 20_000);

    [Fact]
    public void Extremes_are_harmless()
    {
        SettableTime time = new(1_000_000_000);
        CacheClock clock = new(time);
        Assert.Equal(1u, clock.Now);
        Assert.Equal(CacheClock.Never, clock.After(TimeSpan.MaxValue));
        Assert.Equal(CacheClock.Never, clock.At(DateTimeOffset.MaxValue));
        foreach (TimeSpan interval in new[] { TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MinValue })
            Assert.Equal(CacheClock.Passed, clock.After(interval));
        Assert.Equal(CacheClock.Passed, clock.At(DateTimeOffset.MinValue));
        Assert.Equal(CacheClock.Passed, clock.At(time.UtcNow));
        time.Timestamp = long.MaxValue;
        Assert.Equal(CacheClock.Never - 1, clock.Now);
        Assert.Equal(CacheClock.Never, clock.After(TimeSpan.FromTicks(1)));
        time.Timestamp = -5;
        Assert.Equal(1u, clock.Now);
        SettableTime slow = new(1) { Timestamp = 0 };
        clock = new CacheClock(slow);
        slow.Timestamp = long.MaxValue;
        Assert.Equal(CacheClock.Never - 1, clock.Now);
    }

    [Fact]
    public void The_time_of_day_counts_only_when_a_deadline_is_set()
    {
        SettableTime time = new(1000);
        CacheClock clock = new(time);
        uint deadline = clock.At(time.UtcNow + TimeSpan.FromSeconds(10));
        time.UtcNow = time.UtcNow.AddYears(20);
        Assert.Equal(1 + 10u * CacheClock.TicksPerSecond, deadline);
        Assert.Equal(1u, clock.Now);
    }

    [Fact]
    public void A_sliding_interval_is_at_most_a_thousandth_shorter() => Gen.Long[1, CacheClock.Never - 1L].Sample(ticks =>
    {
        uint decoded = SlidingInterval.Decode(SlidingInterval.Encode(TimeSpan.FromTicks(ticks * CacheClock.TimeSpanTicks)));
        Assert.InRange(decoded, ticks - ticks / 1024, ticks);
        Assert.True(ticks >= 2048 || decoded == ticks);
    });

    [Fact]
    public void Extreme_sliding_intervals_are_harmless()
    {
        Assert.Equal(1u, SlidingInterval.Decode(SlidingInterval.Encode(TimeSpan.FromTicks(1))));
        Assert.Equal(1u, SlidingInterval.Decode(SlidingInterval.Encode(TimeSpan.MinValue)));
        Assert.Equal(SlidingInterval.None, SlidingInterval.Encode(TimeSpan.MaxValue));
        Assert.Equal(CacheClock.Never, SlidingInterval.Deadline(SlidingInterval.None, 5));
        ushort year = SlidingInterval.Encode(TimeSpan.FromDays(365));
        Assert.Equal(CacheClock.Never, SlidingInterval.Deadline(year, CacheClock.Never - 5));
        Assert.Equal(SlidingInterval.Decode(year) + 5, SlidingInterval.Deadline(year, 5));
    }
}
