namespace PageFold.Interleavings;

/// <summary>The exploration itself: it finds all interleavings, and tells a thread that cannot go on from one that waits.</summary>
public class SchedulerTests
{
    [Fact]
    public void Every_interleaving_is_tried()
    {
        HashSet<string> seen = [];
        using Exploration exploration = new() { MaxPreemptions = 6 };
        exploration.AssertHolds(() =>
        {
            string order = "";
            void Work(string name)
            {
                for (int i = 0; i < 3; i++)
                {
                    if (i > 0)
                        Scheduler.Step();
                    order += name;
                }
            }
            return new Scenario([() => Work("a"), () => Work("b")], () => seen.Add(order));
        });
        // Six parts, of which three are those of one thread.
        Assert.Equal(20, seen.Count);
    }

    [Fact]
    public void A_lost_update_takes_one_preemption()
    {
        static Scenario Make()
        {
            int count = 0;
            void Add() => Volatile.Write(ref count, Volatile.Read(ref count) + 1);
            return new Scenario([Add, Add], () => Assert.Equal(2, count));
        }
        using Exploration without = new() { MaxPreemptions = 0 };
        Assert.Null(without.FindFailure(Make));
        using Exploration with = new() { MaxPreemptions = 1 };
        string? failure = with.FindFailure(Make);
        Assert.Contains("thread 1 Write SchedulerTests.cs", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_locks_in_different_orders_are_a_deadlock()
    {
        using Exploration exploration = new() { MaxPreemptions = 1 };
        string? failure = exploration.FindFailure(() =>
        {
            object first = new();
            object second = new();
            void Work(object outer, object inner)
            {
                lock (outer)
                {
                    lock (inner)
                    {
                    }
                }
            }
            return new Scenario([() => Work(first, second), () => Work(second, first)], () => { });
        });
        Assert.Contains("No thread can go on", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lock_keeps_others_out_and_a_pulse_wakes_those_that_wait()
    {
        using Exploration exploration = new() { MaxPreemptions = 3 };
        exploration.AssertHolds(() =>
        {
            object sync = new();
            int count = 0;
            bool isFull = false;
            void Put()
            {
                lock (sync)
                {
                    int before = count;
                    Scheduler.Step();
                    count = before + 1;
                    isFull = count == 2;
                    Monitor.PulseAll(sync);
                }
            }
            void Take()
            {
                lock (sync)
                {
                    while (!isFull)
                        Assert.True(Monitor.Wait(sync));
                    count = 10;
                }
            }
            return new Scenario([Put, Take, Put], () => Assert.Equal(10, count));
        });
        Assert.True(exploration.IsComplete);
    }

    [Fact]
    public void A_wait_without_a_pulse_ends_with_its_time_and_without_one_is_a_deadlock()
    {
        static Scenario Make(TimeSpan timeout)
        {
            object sync = new();
            bool isPulsed = true;
            return new Scenario(
                [
                    () =>
                    {
                        lock (sync)
                            isPulsed = Monitor.Wait(sync, timeout);
                    },
                ],
                () => Assert.False(isPulsed));
        }
        using Exploration exploration = new();
        Assert.Null(exploration.FindFailure(() => Make(TimeSpan.FromSeconds(1))));
        Assert.Contains("No thread can go on", exploration.FindFailure(() => Make(Timeout.InfiniteTimeSpan)), StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_that_spin_for_one_another_do_not_keep_out_the_one_that_they_wait_for()
    {
        using Exploration exploration = new() { MaxPreemptions = 2 };
        exploration.AssertHolds(() =>
        {
            int flag = 0;
            int tries = 0;
            void Await()
            {
                SpinWait spin = default;
                while (Volatile.Read(ref flag) == 0)
                {
                    Interlocked.Increment(ref tries);
                    spin.SpinOnce();
                }
            }
            return new Scenario([Await, Await, () => Volatile.Write(ref flag, 1)], () => Assert.InRange(tries, 0, 40));
        });
    }
}
