namespace PageFold.Interleavings;

/// <summary>
/// Switches for the faults of the folder Planted, all off at first. One is on for the test that shows that the exploration finds it.
/// </summary>
internal static partial class Fault
{
    private static string? _on;

    public static bool IsOn(string name) => _on == name;

    public static IDisposable TurnOn(string name)
    {
        _on = name;
        return new Switch();
    }

    private sealed class Switch : IDisposable
    {
        public void Dispose() => _on = null;
    }
}
