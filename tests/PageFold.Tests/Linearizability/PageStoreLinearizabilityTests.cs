using System.Globalization;

namespace PageFold.Tests.Linearizability;

/// <summary>
/// Every page of a store is a linearizable register, whatever else the store does. Here for two short rounds; the campaign
/// <c>linearizability</c> runs rounds for an hour.
/// </summary>
public class PageStoreLinearizabilityTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_page_is_linearizable_while_pages_move_are_recompressed_written_back_and_saved(int seed)
    {
        StoreRound round = new(seed, milliseconds: 1200);
        round.Run();
        Assert.True(round.Operations > 2000 && round.Conflicts > 20, $"{round.Operations} operations, {round.Conflicts} conflicts");
    }

    /// <summary>One short round here; with what the campaign sets in the environment, rounds for as long as that says.</summary>
    [Fact]
    public void Rounds_follow_one_another_and_are_reported()
    {
        string? report = Environment.GetEnvironmentVariable("PAGEFOLD_LINEARIZABILITY_REPORT");
        if (report is not null)
        {
            RunRounds(report, Number("PAGEFOLD_LINEARIZABILITY_SEED"), Number("PAGEFOLD_LINEARIZABILITY_SECONDS"), round => round.Run());
            return;
        }
        string file = Path.GetTempFileName();
        RunRounds(file, seed: 7, seconds: 0, round => round.Run());
        Assert.StartsWith("CHECKED 1 rounds", File.ReadLines(file).Last(), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public void A_round_that_fails_leaves_its_message_on_disk()
    {
        string file = Path.GetTempFileName();
        Assert.Throws<InvalidTimeZoneException>(() =>
            RunRounds(file, seed: 11, seconds: 0, _ => throw new InvalidTimeZoneException("the history of page 5")));
        string text = File.ReadAllText(file);
        Assert.Contains("FAILED seed 11", text, StringComparison.Ordinal);
        Assert.Contains("the history of page 5", text, StringComparison.Ordinal);
        File.Delete(file);
    }

    /// <summary>
    /// Runs rounds, each with the next seed. What goes wrong is in the report and on standard error before anything else can go wrong.
    /// </summary>
    private static void RunRounds(string report, int seed, int seconds, Action<StoreRound> run)
    {
        long deadline = Environment.TickCount64 + 1000L * seconds;
        (long rounds, long operations, long conflicts, long refused, long snapshots) = (0, 0, 0, 0, 0);
        void Tell(string text) => File.AppendAllText(report, text + Environment.NewLine);
        for (; rounds == 0 || Environment.TickCount64 < deadline; rounds++, seed++)
        {
            StoreRound round = new(seed, milliseconds: seconds == 0 ? 500 : 2000);
            try
            {
                run(round);
            }
            catch (Exception failure)
            {
                string text = $"FAILED seed {seed}, round {rounds}: {failure}";
                Tell(text);
                Console.Error.WriteLine(text);
                Console.Error.Flush();
                throw;
            }
            operations += round.Operations;
            conflicts += round.Conflicts;
            refused += round.Refused.Count;
            snapshots += round.Snapshots.Count;
            Tell($"round {rounds}, seed {seed}: {round.Operations} operations, {round.Conflicts} conflicts");
        }
        Assert.True(conflicts > 20 * rounds && snapshots >= rounds, $"{conflicts} conflicts, {snapshots} snapshots in {rounds} rounds");
        Tell($"CHECKED {rounds} rounds, {operations} operations, {conflicts} conflicts, {refused} refused writes, {snapshots} snapshots");
    }

    private static int Number(string variable) => int.Parse(Environment.GetEnvironmentVariable(variable)!, CultureInfo.InvariantCulture);
}
