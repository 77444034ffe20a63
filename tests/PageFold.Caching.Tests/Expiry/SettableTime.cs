namespace PageFold.Caching.Tests.Expiry;

/// <summary>A clock that stands where a test puts it.</summary>
internal sealed class SettableTime(long frequency) : TimeProvider
{
    public long Timestamp { get; set; }

    public DateTimeOffset UtcNow { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => frequency;

    public override long GetTimestamp() => Timestamp;

    public override DateTimeOffset GetUtcNow() => UtcNow;
}
