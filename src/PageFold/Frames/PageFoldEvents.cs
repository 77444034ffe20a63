using System.Diagnostics.Tracing;

namespace PageFold.Frames;

/// <summary>The event source <c>PageFold</c>: what an application should know of and no exception can tell it.</summary>
[EventSource(Name = "PageFold")]
internal sealed class PageFoldEvents : EventSource
{
    private const string LeakMessage =
        "{0} bytes stay until the process ends: a pool or arena was collected while a mapping was open or a frame in use. Dispose "
            + "mappings.";

    public static PageFoldEvents Log { get; } = new();

    /// <summary>
    /// A pool or arena was collected while a mapping was open or a frame in use. Its memory stays until the process ends, because a span
    /// may still lead to it.
    /// </summary>
    /// <param name="bytes">Bytes that stay.</param>
    [Event(1, Level = EventLevel.Warning, Message = LeakMessage)]
    public void MemoryLeaked(long bytes)
    {
        if (IsEnabled())
            WriteEvent(1, bytes);
    }
}
