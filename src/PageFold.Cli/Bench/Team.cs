using System.Diagnostics;

namespace PageFold.Cli.Bench;

/// <summary>Threads that repeatedly start a piece of work at the same moment.</summary>
/// <remarks>
/// Each piece is timed by the members' own clocks, from the first one's start to the last one's end, because the thread that waits for them
/// may be woken late. The threads live as long as the team, so that short pieces can be timed.
/// </remarks>
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

    /// <param name="size">The number of threads; a team of one works on the calling thread.</param>
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

    /// <summary>Lets every member do the work and returns the seconds it took.</summary>
    /// <remarks>An exception of a member is rethrown after all members have ended.</remarks>
    /// <param name="work">Receives the member's number, from zero.</param>
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
            // The last member that is woken starts all of them.
            SpinWait spin = default;
            Interlocked.Decrement(ref _awaited);
            while (Volatile.Read(ref _awaited) > 0)
                spin.SpinOnce(sleep1Threshold: -1);
            _begins[number] = Stopwatch.GetTimestamp();
            try
            {
                _work(number);
            }
#pragma warning disable CA1031 // rethrown on the thread that waits
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
