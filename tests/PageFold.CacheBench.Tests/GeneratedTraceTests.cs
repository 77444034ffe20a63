using PageFold.CacheBench.Traces;
using PageFold.CacheBench.Values;

namespace PageFold.CacheBench.Tests;

/// <summary>Streams that are made: the same for the same seed, with the distribution that they are named after.</summary>
public class GeneratedTraceTests
{
    [Theory]
    [InlineData("zipf:100:1000:0.8")]
    [InlineData("scan:100:1000:10")]
    [InlineData("loop:100:1000")]
    public void The_same_seed_makes_the_same_stream(string text)
    {
        Trace trace = GeneratedTrace.Parse(text).Make(7);
        Assert.Equal(text, trace.Name);
        Assert.Equal(1000, trace.Requests.Length);
        Assert.Equal(trace.Requests, GeneratedTrace.Parse(text).Make(7).Requests);
        Assert.Equal(text[0] == 'l', trace.Requests.SequenceEqual(GeneratedTrace.Parse(text).Make(8).Requests));
    }

    [Fact]
    public void A_loop_requests_all_keys_in_order() =>
        Assert.Equal([0, 1, 2, 0, 1, 2, 0, 1], GeneratedTrace.Parse("loop:3:8").Make(1).Requests);

    [Fact]
    public void A_scan_requests_each_of_its_keys_once()
    {
        Trace trace = GeneratedTrace.Parse("scan:50:10000:100").Make(1);
        int[] counts = [.. trace.Requests.CountBy(place => trace.Keys[place]).Where(key => key.Key >= 50).Select(key => key.Value)];
        Assert.Equal(5000, counts.Length);
        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void The_shares_of_ranks_are_those_of_the_law(double exponent)
    {
        const int Ranks = 20;
        const int Draws = 200_000;
        Zipf zipf = new(Ranks, exponent);
        Random random = new(1);
        int[] counts = new int[Ranks];
        for (int i = 0; i < Draws; i++)
            counts[zipf.Next(random)]++;
        double sum = Enumerable.Range(1, Ranks).Sum(rank => Math.Pow(rank, -exponent));
        for (int rank = 1; rank <= Ranks; rank++)
        {
            double expected = Draws * Math.Pow(rank, -exponent) / sum;
            // Five standard deviations.
            Assert.InRange(counts[rank - 1], expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected));
        }
    }

    [Theory]
    [InlineData("zipf:100:1000", "is no stream; write zipf:KEYS:REQUESTS:EXPONENT")]
    [InlineData("walk:100:1000", "is no stream")]
    [InlineData("", "--generate '' is no stream")]
    [InlineData("loop:0:1000", "KEYS is 0; choose 1 to")]
    [InlineData("loop:10:many", "REQUESTS is many; choose 1 to")]
    [InlineData("zipf:10:10:-1", "EXPONENT is -1; choose 0 to 10")]
    [InlineData("scan:10:10:0", "LENGTH is 0; choose 1 to")]
    public void A_stream_that_cannot_be_made_is_refused(string text, string expected) =>
        TraceFileTests.Refused(expected, () => GeneratedTrace.Parse(text));
}
