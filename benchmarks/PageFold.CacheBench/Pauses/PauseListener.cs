using System.Diagnostics.Tracing;

namespace PageFold.CacheBench.Pauses;

/// <summary>Collects how long the runtime suspends all threads for a garbage collection, from its own events.</summary>
internal sealed class PauseListener : EventListener
{
    private const string RuntimeSource = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Collections = (EventKeywords)1;
    private const int SuspendBegin = 9;
    private const int RestartEnd = 3;

    // Events arrive later than they happen.
    private static readonly TimeSpan s_delay = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly List<double> _milliseconds = [];
    private DateTime? _suspendedAt;

    /// <summary>The pauses since the listener was made, in milliseconds.</summary>
    public double[] End()
    {
        Thread.Sleep(s_delay);
        lock (_gate)
            return [.. _milliseconds];
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == RuntimeSource)
            EnableEvents(eventSource, EventLevel.Informational, Collections);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // The base class's constructor may bring events before the fields of this one exist.
        if (_gate is null)
            return;
        lock (_gate)
        {
            if (eventData.EventId == SuspendBegin)
            {
                _suspendedAt = eventData.TimeStamp;
            }
            else if (eventData.EventId == RestartEnd && _suspendedAt is { } begin)
            {
                _milliseconds.Add((eventData.TimeStamp - begin).TotalMilliseconds);
                _suspendedAt = null;
            }
        }
    }
}
