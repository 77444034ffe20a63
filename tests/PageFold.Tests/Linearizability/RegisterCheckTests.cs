namespace PageFold.Tests.Linearizability;

/// <summary>The check of histories finds what it is there to find, and nothing else.</summary>
public class RegisterCheckTests
{
    [Fact]
    public void Operations_one_after_the_other_that_return_the_last_version_pass() =>
        AssertPasses(Read(0, 1, 2), Write(7, 3, 4), Read(7, 5, 6), Discard(7, 8), Read(0, 9, 10), Write(8, 11, 12), Read(8, 13, 14));

    [Fact]
    public void A_read_beside_a_write_may_return_the_version_before_or_the_new_one()
    {
        AssertPasses(Write(1, 0, 1), Write(2, 10, 20), Read(1, 11, 12), Read(2, 13, 14), Read(2, 15, 16));
        AssertPasses(Write(1, 0, 1), Write(2, 10, 20), Read(1, 11, 19));
        // Two writes under way at once, and readers that see them in one order.
        AssertPasses(Write(1, 0, 30), Write(2, 0, 30), Read(1, 5, 6), Read(2, 7, 8));
    }

    [Fact]
    public void Planted_stale_reads_are_found()
    {
        AssertFails("reads 1", Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5));
        // One reader sees the new version, and a later one the version before.
        AssertFails("reads 1", Write(1, 0, 1), Write(2, 10, 20), Read(2, 11, 12), Read(1, 13, 14));
        AssertFails("reads nothing", Write(1, 0, 1), Read(0, 2, 3));
        AssertFails("reads 1", Write(1, 0, 1), Discard(2, 3), Read(1, 4, 5));
    }

    [Fact]
    public void Planted_lost_writes_are_found()
    {
        // The write has ended and nothing came after it, and readers see what was there before.
        AssertFails("reads 1", Write(1, 0, 1), Write(2, 2, 3), Write(3, 2, 10), Read(1, 11, 12));
        // A discard whose effect is seen, and then is gone again.
        AssertFails("reads 1", Write(1, 0, 1), Discard(5, 20), Read(0, 6, 7), Read(1, 8, 9));
        // Two readers see two writes in different orders.
        AssertFails("reads 1", Write(1, 0, 30), Write(2, 0, 30), Read(1, 5, 6), Read(2, 7, 8), Read(1, 9, 10));
    }

    [Fact]
    public void Planted_torn_values_and_values_from_the_future_are_found()
    {
        AssertFails("no version that was written", Write(1, 0, 1), Read(RegisterOperation.Torn, 2, 3));
        AssertFails("reads 1", Read(1, 0, 1), Write(1, 2, 3));
        AssertFails("reads 9", Write(1, 0, 1), Read(9, 2, 3));
    }

    [Fact]
    public void Each_absence_is_explained_by_some_discard_and_none_by_two_at_different_times()
    {
        // The absences belong to different discards, which no mark tells apart.
        AssertPasses(Write(1, 0, 1), Discard(2, 3), Read(0, 4, 5), Write(2, 6, 7), Discard(8, 30), Read(0, 10, 11), Read(0, 12, 13));
        AssertPasses(Write(1, 0, 1), Discard(2, 40), Write(2, 3, 40), Discard(4, 40), Read(0, 5, 6), Read(2, 7, 8), Read(0, 9, 10));
        AssertFails("reads nothing", Write(1, 0, 1), Discard(2, 40), Write(2, 3, 40), Read(0, 5, 6), Read(2, 7, 8), Read(0, 9, 10));
    }

    [Fact]
    public void A_value_that_can_be_lost_does_not_come_back()
    {
        Assert.Null(RegisterCheck.Run([Write(1, 0, 1), Read(1, 2, 3), Read(0, 4, 5), Write(2, 6, 7), Read(0, 8, 9)],
            canLose: true).Problem);
        Assert.NotNull(RegisterCheck.Run([Write(1, 0, 1), Read(0, 2, 3), Read(1, 4, 5)], canLose: true).Problem);
        Assert.NotNull(RegisterCheck.Run([Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5)], canLose: true).Problem);
        Assert.Null(RegisterCheck.Run([Write(1, 0, 1), Write(2, 2, 9), Read(0, 4, 5), Read(2, 6, 7)], canLose: true).Problem);
    }

    [Fact]
    public void Agrees_with_trying_every_order_of_small_histories()
    {
        int passed = 0;
        int failed = 0;
        Gen<RegisterOperation> operation = Gen.Select(Gen.Bool, Gen.Long[0, 3], Gen.Int[0, 12], Gen.Int[1, 6])
            .Select((isRead, version, begun, length) => new RegisterOperation(isRead, version, begun, begun + length, 0));
        operation.Array[1, 6].Sample(history =>
        {
            bool expected = HasOrder([.. history], RegisterOperation.Absent);
            Interlocked.Increment(ref expected ? ref passed : ref failed);
            return RegisterCheck.Run(history).Problem is null == expected;
        }, iter: 20_000, threads: 1);
        Assert.True(passed > 1000 && failed > 1000, $"{passed} histories are linearizable, {failed} are not");
    }

    [Fact]
    public void A_report_is_bounded_however_long_the_history_is()
    {
        RegisterOperation[] history = [.. Enumerable.Range(1, 10_000).Select(i => Write(i, 2 * i, 2 * i + 1)), Read(5, 30_000, 30_001)];
        string problem = AssertFails("reads 5", history);
        Assert.Contains("comes from [10, 11]", problem, StringComparison.Ordinal);
        Assert.InRange(problem.Split('\n').Length, 10, 80);
    }

    /// <summary>The definition itself: an operation that no other precedes comes first, and the rest has an order.</summary>
    private static bool HasOrder(List<RegisterOperation> left, long value)
    {
        if (left.Count == 0)
            return true;
        foreach (RegisterOperation first in left)
        {
            if (left.Exists(other => other.Ended < first.Begun) || first.IsRead && first.Version != value)
                continue;
            List<RegisterOperation> rest = [.. left];
            rest.Remove(first);
            if (HasOrder(rest, first.Version))
                return true;
        }
        return false;
    }

    private static void AssertPasses(params RegisterOperation[] history) => Assert.Null(RegisterCheck.Run(history).Problem);

    private static string AssertFails(string expected, params RegisterOperation[] history)
    {
        string? problem = RegisterCheck.Run(history).Problem;
        Assert.NotNull(problem);
        Assert.Contains(expected, problem.Split('\n')[0], StringComparison.Ordinal);
        return problem;
    }

    private static RegisterOperation Write(long version, long begun, long ended) => new(false, version, begun, ended, 1);

    private static RegisterOperation Read(long version, long begun, long ended) => new(true, version, begun, ended, 2);

    private static RegisterOperation Discard(long begun, long ended) => new(false, RegisterOperation.Absent, begun, ended, 3);
}
