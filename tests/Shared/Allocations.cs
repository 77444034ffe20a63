using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace PageFold.Testing;

/// <summary>Allocations on the GC heap in steady state.</summary>
internal static class Allocations
{
    /// <summary>
    /// The fewest bytes that one of several calls allocates after a warm-up. A call that allocates few enough is the last.
    /// </summary>
    public static long Least(Func<long> allocated, Action action, int warmUp = 40, long enough = 0)
    {
        // Tables, buffers and compiled code are made on the way to the steady state.
        for (int i = 0; i < warmUp; i++)
            action();
        long least = long.MaxValue;
        for (int i = 0; i < 4 && least > enough; i++)
        {
            long before = allocated();
            action();
            least = Math.Min(least, allocated() - before);
        }
        return least;
    }

    /// <summary>Names the types that a call allocates, and in which share, by samples of the runtime.</summary>
    public static string Name(Action action)
    {
        using AllocationSamples samples = new();
        for (int i = 0; i < 4; i++)
            action();
        return samples.ToString();
    }

    /// <summary>Which types fill the GC heap: the runtime tells of one object in about each 100 KB.</summary>
    private sealed class AllocationSamples : EventListener
    {
        private const EventKeywords GcKeyword = (EventKeywords)1;
        private const int TypeNameIndex = 5;

        private readonly ConcurrentDictionary<string, int> _types = [];

        public override string ToString() => _types.IsEmpty
            ? "too little to be sampled"
            : string.Join(", ", _types.OrderByDescending(type => type.Value).Select(type => $"{type.Value} samples of {type.Key}"));

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
                EnableEvents(eventSource, EventLevel.Verbose, GcKeyword);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            // The base class enables events before the fields of this one are there.
            if (_types is not null && eventData.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) == true)
                _types.AddOrUpdate((string)eventData.Payload![TypeNameIndex]!, 1, (_, count) => count + 1);
        }
    }
}
