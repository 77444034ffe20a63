using Microsoft.Extensions.Internal;

namespace PageFold.CacheBench.Subjects;

/// <summary>A clock that advances by one tick whenever it is read.</summary>
internal sealed class RequestClock : ISystemClock
{
    private long _ticks = DateTimeOffset.UtcNow.Ticks;

    public DateTimeOffset UtcNow => new(Interlocked.Increment(ref _ticks), TimeSpan.Zero);
}
