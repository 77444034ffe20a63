using System.Diagnostics;
using PageFold.Nbd.Protocol;
using PageFold.Shared;

namespace PageFold.Nbd.Session;

/// <summary>What the clients of an export have requested so far.</summary>
/// <remarks>
/// Thread-safe. A short lock for each kind of request makes the figures of one look add up, and costs less than an interlocked operation
/// for each figure.
/// </remarks>
internal sealed class RequestCounters
{
    /// <summary>Number of commands that are counted apart.</summary>
    public const int Commands = (int)NbdCommand.BlockStatus + 1;

    private readonly Activity[] _activities = [.. Enumerable.Range(0, Commands).Select(_ => new Activity())];
    private long _noSpace;
    private long _connections;
    private long _connected;

    /// <summary>Requests that were refused because memory was short.</summary>
    public long NoSpace => Volatile.Read(ref _noSpace);

    /// <summary>Connections that are open.</summary>
    public long Connections => Volatile.Read(ref _connections);

    /// <summary>Connections that were opened so far.</summary>
    public long Connected => Volatile.Read(ref _connected);

    public void Connect()
    {
        // In this order, so that never more are open than were opened.
        Interlocked.Increment(ref _connected);
        Interlocked.Increment(ref _connections);
    }

    public void Disconnect() => Interlocked.Decrement(ref _connections);

    /// <summary>Counts a request that was refused because memory is short.</summary>
    /// <remarks>A request past the end of the disk is answered with the same error, and is not counted here.</remarks>
    public void CountOutOfMemory() => Interlocked.Increment(ref _noSpace);

    /// <summary>Counts a request that was answered.</summary>
    /// <param name="command">The command; one that the protocol does not know is not counted.</param>
    /// <param name="bytes">Bytes of the request.</param>
    /// <param name="error">The error of the answer.</param>
    /// <param name="started">When its work began, by <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void Count(NbdCommand command, uint bytes, NbdError error, long started)
    {
        if ((int)command < Commands)
            _activities[(int)command].Add(bytes, error, Stopwatch.GetTimestamp() - started);
    }

    /// <summary>Reads the figures of one command as they are at one point in time.</summary>
    public CommandActivity Read(NbdCommand command) => _activities[(int)command].Read();

    /// <summary>The requests of one command.</summary>
    private sealed class Activity
    {
        private readonly Lock _lock = new();
        private readonly LatencyHistogram _times = new(significantDigits: 1);
        private long _bytes;
        private long _errors;

        public void Add(uint bytes, NbdError error, long ticks)
        {
            lock (_lock)
            {
                if (error == NbdError.None)
                    _bytes += bytes;
                else
                    _errors++;
                _times.Add(ticks);
            }
        }

        public CommandActivity Read()
        {
            lock (_lock)
            {
                return new CommandActivity
                {
                    Requests = _times.Count,
                    Bytes = _bytes,
                    Errors = _errors,
                    TotalTime = TimeSpan.FromSeconds(_times.Ticks / (double)Stopwatch.Frequency),
                    MedianTime = TimeSpan.FromMicroseconds(_times.Percentile(0.5)),
                    P99Time = TimeSpan.FromMicroseconds(_times.Percentile(0.99)),
                };
            }
        }
    }
}
