using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>A thread waits to work alone, however long the other operations take to leave.</summary>
public class GateTests
{
    [Fact]
    public void A_waiter_is_alone_in_the_end_and_so_are_other_waiters()
    {
        int inside = 0;
        long alone = 0;
        long passed = 0;
        RundownGate gate = new(() => { });
        using CancellationTokenSource done = new();
        Task[] passers = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            while (!done.IsCancellationRequested)
            {
                int stripe = gate.Enter().Stripe;
                Interlocked.Increment(ref inside);
                // The first passer stays longer than the patience of a waiter's first attempts.
                for (long until = Environment.TickCount64 + 5; thread == 0 && Environment.TickCount64 < until;)
                    Thread.Yield();
                Interlocked.Decrement(ref inside);
                gate.Exit(stripe);
                Interlocked.Increment(ref passed);
            }
        }))];
        // The waiters begin when all passers are under way.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref passed) > 1000, TimeSpan.FromMinutes(1)), "The passers stand still.");
        long before = Volatile.Read(ref passed);
        Task[] waiters = [.. Enumerable.Range(0, 2).Select(_ => Pages.OnItsOwnThread(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                gate.RunAlone(
                    () =>
                    {
                        Assert.Equal(0, Volatile.Read(ref inside));
                        alone++;
                    },
                    CancellationToken.None);
            }
        }))];
        Task.WaitAll(waiters, TestContext.Current.CancellationToken);
        done.Cancel();
        Task.WaitAll(passers, TestContext.Current.CancellationToken);
        Assert.Equal(40, alone);
        Assert.True(passed > before, "No passer went through while the waiters worked.");
    }

    [Fact]
    public void Cancelling_or_closing_ends_the_waiting_and_the_last_one_out_still_finishes()
    {
        bool finished = false;
        RundownGate gate = new(() => finished = true);
        int stripe = gate.Enter().Stripe;
        using CancellationTokenSource soon = new(50);
        Assert.Throws<OperationCanceledException>(() => gate.RunAlone(() => Assert.Fail("not alone"), soon.Token));
        Exception? ending = null;
        Thread waiter = new(() => ending = Record.Exception(() => gate.RunAlone(() => Assert.Fail("not alone"), CancellationToken.None)));
        waiter.Start();
        // It is in the middle of an attempt, and will be again and again.
        Assert.True(SpinWait.SpinUntil(() => gate.IsForOne, TimeSpan.FromMinutes(1)), "The waiter does not try to be alone.");
        Assert.True(waiter.IsAlive);
        gate.Close();
        waiter.Join();
        Assert.IsType<ObjectDisposedException>(ending);
        Assert.False(finished);
        gate.Exit(stripe);
        Assert.True(finished);
        Assert.Throws<ObjectDisposedException>(() => gate.RunAlone(() => Assert.Fail("closed"), CancellationToken.None));
    }
}
