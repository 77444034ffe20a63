using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>Working alone, however long it takes until the others are out.</summary>
public class GateTests
{
    [Fact]
    public void Who_waits_to_be_alone_is_alone_in_the_end_and_so_are_others_who_wait()
    {
        int inside = 0;
        long alone = 0;
        RundownGate gate = new(() => { });
        using CancellationTokenSource done = new();
        Task[] passers = [.. Enumerable.Range(0, 3).Select(thread => Pages.OnItsOwnThread(() =>
        {
            while (!done.IsCancellationRequested)
            {
                int stripe = gate.Enter().Stripe;
                Interlocked.Increment(ref inside);
                // Now and then longer than anybody is patient.
                for (long until = Environment.TickCount64 + 5; thread == 0 && Environment.TickCount64 < until;)
                    Thread.Yield();
                Interlocked.Decrement(ref inside);
                gate.Exit(stripe);
            }
        }))];
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
    }

    [Fact]
    public void Cancelling_or_closing_ends_the_waiting_and_the_last_one_out_still_finishes()
    {
        bool finished = false;
        RundownGate gate = new(() => finished = true);
        int stripe = gate.Enter().Stripe;
        using CancellationTokenSource soon = new(50);
        Assert.Throws<OperationCanceledException>(() => gate.RunAlone(() => Assert.Fail("not alone"), soon.Token));
        Task waiter = Pages.OnItsOwnThread(() => gate.RunAlone(() => Assert.Fail("not alone"), CancellationToken.None));
        Assert.False(waiter.Wait(30));
        gate.Close();
        Assert.Throws<ObjectDisposedException>(() => waiter.GetAwaiter().GetResult());
        Assert.False(finished);
        gate.Exit(stripe);
        Assert.True(finished);
        Assert.Throws<ObjectDisposedException>(() => gate.RunAlone(() => Assert.Fail("closed"), CancellationToken.None));
    }
}
