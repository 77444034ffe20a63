using System.Diagnostics;

namespace PageFold.Tests;

/// <summary>
/// The threads of one concurrency test. Each role has threads of its own, and the run goes on until every role and every tally has reached
/// its least count. So a test cannot pass without the work that it claims, however few processors there are.
/// </summary>
/// <remarks>
/// A role repeats a step until the run ends. The run lasts for its time and then until all counts are reached. If that takes longer than a
/// minute more, the test fails and names the counts that are short. The first exception of a step ends the run and fails the test.
/// </remarks>
internal sealed class Crew(int milliseconds)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly List<(Tally Tally, Func<int, Func<bool>> Make)> _roles = [];
    private readonly List<Tally> _tallies = [];
    private readonly Lock _lock = new();
    private Exception? _failure;
    private volatile bool _ended;

    /// <summary>Adds a role.</summary>
    /// <param name="name">What a step does, in the plural.</param>
    /// <param name="threads">How many threads have the role.</param>
    /// <param name="least">Steps that count, of all its threads together.</param>
    /// <param name="make">Makes a thread's step from its number; a step returns true if it counts.</param>
    public Crew Add(string name, int threads, long least, Func<int, Func<bool>> make)
    {
        Tally tally = Require(name, least);
        for (int thread = 0; thread < threads; thread++)
        {
            int number = thread;
            _roles.Add((tally, _ => make(number)));
        }
        return this;
    }

    /// <summary>Adds a count that the steps themselves keep, such as of conflicts.</summary>
    public Tally Require(string name, long least)
    {
        Tally tally = new(name, least);
        _tallies.Add(tally);
        return tally;
    }

    /// <summary>Runs all roles; throws the first exception of a step, or what the run has not reached.</summary>
    public void Run()
    {
        using Barrier together = new(_roles.Count);
        Thread[] threads = [.. _roles.Select((role, index) => Start(() => Work(role.Tally, () => role.Make(index), together)))];
        long deadline = Environment.TickCount64 + milliseconds;
        long last = deadline + (long)Patience.TotalMilliseconds;
        using ManualResetEventSlim never = new();
        while (!_ended && (Environment.TickCount64 < deadline || _tallies.Exists(tally => tally.IsShort) && Environment.TickCount64 < last))
            never.Wait(5, TestContext.Current.CancellationToken);
        _ended = true;
        Join(threads);
        if (_failure is not null)
            throw new InvalidOperationException($"A thread of the crew failed: {_failure.Message}", _failure);
        Assert.All(_tallies, tally => Assert.False(tally.IsShort, $"{tally}"));
    }

    /// <summary>Runs an action on so many threads of its own that begin together; throws what the first of them threw.</summary>
    public static void OnThreads(int count, Action<int> action)
    {
        List<Exception> failures = [];
        using Barrier together = new(count);
        Thread[] threads = [.. Enumerable.Range(0, count).Select(number => Start(() =>
        {
            try
            {
                together.SignalAndWait();
                action(number);
            }
            catch (Exception failure)
            {
                lock (failures)
                    failures.Add(failure);
            }
        }))];
        Join(threads);
        if (failures.Count > 0)
            throw new AggregateException(failures);
    }

    /// <summary>
    /// Waits until a thread sleeps in a wait, which it cannot do before it has come to what it waits for; fails if it ends first.
    /// </summary>
    public static void AwaitSleep(Thread thread)
    {
        long last = Stopwatch.GetTimestamp() + (long)(Patience.TotalSeconds * Stopwatch.Frequency);
        while ((thread.ThreadState & System.Threading.ThreadState.WaitSleepJoin) == 0)
        {
            Assert.True(thread.IsAlive, "The thread ended and did not wait.");
            Assert.True(Stopwatch.GetTimestamp() < last, "The thread neither waits nor ends.");
            Thread.Yield();
        }
    }

    private void Work(Tally tally, Func<Func<bool>> make, Barrier together)
    {
        together.SignalAndWait();
        try
        {
            Func<bool> step = make();
            while (!_ended)
            {
                if (step())
                    tally.Add();
            }
        }
        catch (Exception failure)
        {
            lock (_lock)
                _failure ??= failure;
            _ended = true;
        }
    }

    private static Thread Start(Action action)
    {
        Thread thread = new(() => action(), maxStackSize: 1 << 20) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void Join(Thread[] threads) =>
        Assert.All(threads, thread => Assert.True(thread.Join(2 * Patience), "A thread of the test does not end."));
}

/// <summary>Counts what the threads of a test do, and says whether that is enough.</summary>
internal sealed class Tally(string name, long least)
{
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public bool IsShort => Count < least;

    public void Add() => Interlocked.Increment(ref _count);

    public override string ToString() => $"{name}: {Count}, at least {least} expected";
}
