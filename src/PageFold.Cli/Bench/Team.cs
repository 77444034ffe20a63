using System.Diagnostics;

namespace PageFold.Cli.Bench;

/// <summary>
/// Threads that begin a piece of work at the same moment, again and again; each piece is timed from the first one's beginning to the last one's end, by their own clocks, since whoever waits for them may be woken
/// late. They live as long as the team, so that short pieces can be timed.
/// </summary>
internal sealed class Team : IDisposable
{
    private readonly Barrier? _start;
    private readonly Barrier? _end;
    private readonly Thread[] _members;
    private readonly long[] _begins;
    private readonly long[] _ends;
    private int _awaited;
    private Action<int> _work = static _ => { };
    private Exception? _failure;
    private bool _disposed;

    /// <param name="size">How many; a team of one works on the calling thread.</param>
    public Team(int size)
    {
        Size = size;
        _begins = new long[size];
        _ends = new long[size];
        if (size > 1)
        {
            _start = new Barrier(size + 1);
            _end = new Barrier(size + 1);
        }
        _members = [.. Enumerable.Range(0, size > 1 ? size : 0).Select(number => new Thread(() => Live(number)) { IsBackground = true })];
        foreach (Thread member in _members)
            member.Start();
    }

    public int Size { get; }

    /// <summary>Has every member do the work and returns the seconds it took. What a member throws is thrown here, after all have ended.</summary>
    /// <param name="work">Gets the member's number, from zero.</param>
    public double Run(Action<int> work)
    {
        if (_start is null)
        {
            long begin = Stopwatch.GetTimestamp();
            work(0);
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }
        _work = work;
        _awaited = Size;
        _start.SignalAndWait();
        _end!.SignalAndWait();
        double seconds = Stopwatch.GetElapsedTime(_begins.Min(), _ends.Max()).TotalSeconds;
        if (Interlocked.Exchange(ref _failure, null) is { } failure)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return seconds;
    }

    public void Dispose()
    {
        if (_start is null || _disposed)
            return;
        _disposed = true;
        _start.SignalAndWait();
        foreach (Thread member in _members)
            member.Join();
        _start.Dispose();
        _end!.Dispose();
    }

    private void Live(int number)
    {
        while (true)
        {
            _start!.SignalAndWait();
            if (_disposed)
                return;
            // The last one to be woken starts all of them.
            SpinWait spin = default;
            Interlocked.Decrement(ref _awaited);
            while (Volatile.Read(ref _awaited) > 0)
                spin.SpinOnce(sleep1Threshold: -1);
            _begins[number] = Stopwatch.GetTimestamp();
            try
            {
                _work(number);
            }
#pragma warning disable CA1031 // carried to the thread that waits
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
            _ends[number] = Stopwatch.GetTimestamp();
            _end!.SignalAndWait();
        }
    }
}
