using System.Diagnostics.Metrics;

namespace PageFold;

/// <summary>
/// The metrics of all stores and pools of the process (<see cref="System.Diagnostics.Metrics"/>), for OpenTelemetry, dotnet-counters and
/// any <see cref="MeterListener"/>. Nothing is computed unless an instrument is read.
/// </summary>
/// <remarks>
/// Every measurement has the tag <c>name</c>: <see cref="PageStoreOptions.Name"/> or <see cref="ZsPoolOptions.Name"/>. Stores and pools
/// that share a name report measurements with the same tag.
/// </remarks>
public static class PageFoldMetrics
{
    /// <summary>The name of the meter, for <c>AddMeter</c>.</summary>
    public const string MeterName = "PageFold";
}
