using System.Diagnostics.Tracing;

namespace PageFold.Frames;

/// <summary>The event source <c>PageFold</c>: events that an application should know and that no exception can report.</summary>
[EventSource(Name = "PageFold")]
internal sealed class PageFoldEvents : EventSource
{
    private const string LeakMessage =
        "{0} bytes stay until the process ends: a pool or arena was collected while a mapping was open or a frame in use. Dispose "
            + "mappings.";

    public static PageFoldEvents Log { get; } = new();

    /// <summary>Reports that a pool or arena was collected while a mapping was open or a frame in use.</summary>
    /// <remarks>Its memory stays until the process ends, because a span may still point into it.</remarks>
    /// <param name="bytes">Bytes that stay.</param>
    [Event(1, Level = EventLevel.Warning, Message = LeakMessage)]
    public void MemoryLeaked(long bytes)
    {
        if (IsEnabled())
            WriteEvent(1, bytes);
    }
}
