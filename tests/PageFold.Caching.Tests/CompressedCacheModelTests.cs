using System.Globalization;
using PageFold.Caching.Tests.Model;

namespace PageFold.Caching.Tests;

/// <summary>Random operations agree with a model. Here for some rounds; the campaign <c>cache</c> runs ten million and more.</summary>
public class CompressedCacheModelTests
{
    private const int OperationsPerRound = 10_000;

    [Fact]
    public void A_hit_has_the_value_of_the_model_and_every_miss_is_explained()
    {
        int seed = Number("PAGEFOLD_CACHE_SEED") ?? 1;
        int seconds = Number("PAGEFOLD_CACHE_SECONDS") ?? 0;
        long rounds = seconds == 0 ? Number("PAGEFOLD_CACHE_ROUNDS") ?? 20 : long.MaxValue;
        int threads = Number("PAGEFOLD_CACHE_THREADS") ?? 1;
        string? report = Environment.GetEnvironmentVariable("PAGEFOLD_CACHE_REPORT");
        long deadline = Environment.TickCount64 + 1000L * seconds;
        long next = -1;
        (long done, long hits, long stored, long refused, long noMemory) = (0, 0, 0, 0, 0);
        Exception? failure = null;
        void Work()
        {
            while (Volatile.Read(ref failure) is null && (seconds == 0 || Environment.TickCount64 < deadline))
            {
                long number = Interlocked.Increment(ref next);
                if (number >= rounds)
                    return;
                try
                {
                    using CacheRound round = new(unchecked(seed + (int)number));
                    round.Run(OperationsPerRound);
                    Interlocked.Increment(ref done);
                    Interlocked.Add(ref hits, round.Found.Hits);
                    Interlocked.Add(ref stored, round.FreshTokens.Stored);
                    Interlocked.Add(ref refused, round.FreshTokens.Refused);
                    Interlocked.Add(ref noMemory, round.NoMemory);
                }
                catch (Exception e)
                {
                    Volatile.Write(ref failure, e);
                }
            }
        }
        Task.WaitAll([.. Enumerable.Range(0, threads).Select(_ => Content.OnItsOwnThread(Work))], TestContext.Current.CancellationToken);
        string summary = $"{done} rounds, {done * OperationsPerRound} operations, {hits} hits, {stored} tokens stored, "
            + $"{refused} refused early, "
            + $"{noMemory} without memory";
        if (report is not null)
            File.AppendAllText(report, failure is null ? $"CHECKED {summary}\n" : $"FAILED {failure}\n");
        Assert.True(failure is null, failure?.ToString());
        Assert.True(hits > 500 * done && stored > 30 * done && refused * 20 < stored && noMemory < done, summary);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
