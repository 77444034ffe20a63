namespace PageFold.Cli.Tests;

/// <summary>Distinguishes a thread that waits for others from one that works.</summary>
public class InterruptibleTests
{
    [Fact]
    public void A_call_that_may_wait_can_make_another_one()
    {
        Interruptible.Waiter waiter = new();
        Assert.Null(waiter.WaitsSince);
        waiter.Begin();
        waiter.Begin();
        waiter.End();
        Assert.NotNull(waiter.WaitsSince);
        waiter.End();
        Assert.Null(waiter.WaitsSince);
    }
}
