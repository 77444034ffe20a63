using System.Diagnostics;
using System.Numerics;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>
/// What an export's clients have asked for so far. Thread-safe. A short lock for each command makes the figures of one look add up, and
/// costs less than an interlocked operation for each.
/// </summary>
internal sealed class RequestCounters
{
    /// <summary>Commands that are told apart.</summary>
    public const int Commands = (int)NbdCommand.BlockStatus + 1;

    // Powers of two of nanoseconds, each in four parts: a bucket is at most a quarter wide.
    private const int PartShift = 2;
    private const int Buckets = 40 << PartShift;

    private readonly long[] _requests = new long[Commands];
    private readonly long[] _bytes = new long[Commands];
    private readonly long[] _errors = new long[Commands];
    private readonly long[] _ticks = new long[Commands];
    private readonly long[][] _latencies = [.. Enumerable.Range(0, Commands).Select(_ => new long[Buckets])];
    private readonly Lock[] _locks = [.. Enumerable.Range(0, Commands).Select(_ => new Lock())];
    private long _noSpace;
    private long _connections;
    private long _connected;

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

    /// <summary>Counts a request that was refused because memory is short; one past the end of the disk has the same error, and is none.</summary>
    public void CountOutOfMemory() => Interlocked.Increment(ref _noSpace);

    /// <summary>Counts a request that was answered.</summary>
    /// <param name="command">One of the protocol's.</param>
    /// <param name="bytes">Bytes it was about.</param>
    /// <param name="error">What it was answered with.</param>
    /// <param name="started">When its work began, as <see cref="Stopwatch.GetTimestamp"/> tells.</param>
    public void Count(NbdCommand command, uint bytes, NbdError error, long started)
    {
        int index = (int)command;
        if (index >= Commands)
            return;
        long ticks = Stopwatch.GetTimestamp() - started;
        int bucket = BucketOf(Nanoseconds(ticks));
        lock (_locks[index])
        {
            _requests[index]++;
            if (error == NbdError.None)
                _bytes[index] += bytes;
            else
                _errors[index]++;
            _ticks[index] += ticks;
            _latencies[index][bucket]++;
        }
    }

    /// <summary>Reads the figures of one command as they are at one point in time.</summary>
    public CommandActivity Read(NbdCommand command)
    {
        int index = (int)command;
        lock (_locks[index])
        {
            return new CommandActivity
            {
                Requests = _requests[index],
                Bytes = _bytes[index],
                Errors = _errors[index],
                TotalTime = TimeSpan.FromSeconds(_ticks[index] / (double)Stopwatch.Frequency),
                MedianTime = Percentile(_latencies[index], 0.5),
                P99Time = Percentile(_latencies[index], 0.99),
            };
        }
    }

    private static TimeSpan Percentile(long[] latencies, double part)
    {
        long left = (long)Math.Ceiling(latencies.Sum() * part);
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            left -= latencies[bucket];
            if (left <= 0 && latencies[bucket] > 0)
                return TimeSpan.FromSeconds(UpperBound(bucket) / 1e9);
        }
        return TimeSpan.Zero;
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));

    private static int BucketOf(long nanoseconds)
    {
        ulong value = (ulong)Math.Max(nanoseconds, 1 << PartShift);
        int power = BitOperations.Log2(value);
        int part = (int)(value >> power - PartShift) & (1 << PartShift) - 1;
        return Math.Min(Buckets - 1, power - PartShift << PartShift | part);
    }

    private static double UpperBound(int bucket)
    {
        int power = (bucket >> PartShift) + PartShift;
        int part = bucket & (1 << PartShift) - 1;
        return Math.ScaleB(1 + (part + 1) / (double)(1 << PartShift), power);
    }
}
