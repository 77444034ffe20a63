namespace PageFold.TlbLab;

/// <summary>The bounds of an exploration, within which it is complete.</summary>
/// <remarks>Immutable.</remarks>
public sealed record Bounds
{
    /// <summary>The bounds of the matrix: 2 CPUs, 3 objects, 3 map cycles per CPU, 2 interrupts.</summary>
    public static Bounds Default { get; } = new();

    /// <summary>The number of processors, each with a task; 1 to 3.</summary>
    public int Cpus { get; init => field = InRange(value, 1, MachineLayout.MaxCpus, "CPUs"); } = 2;

    /// <summary>The number of objects, each in two frames; 1 to 4.</summary>
    public int Objects { get; init => field = InRange(value, 1, MachineLayout.MaxObjects, "objects"); } = 3;

    /// <summary>The number of map cycles of each task; 1 to 15.</summary>
    public int Cycles { get; init => field = InRange(value, 1, 15, "map cycles"); } = 3;

    /// <summary>The total number of interrupts, in environments that have them; 0 to 3.</summary>
    /// <remarks>Each maps once.</remarks>
    public int Interrupts { get; init => field = InRange(value, 0, 3, "interrupts"); } = 2;

    /// <summary>The number of windows in the common stock of protocols that use one.</summary>
    /// <remarks>Fewer than may be needed at once, so that windows are reused by other tasks and run out.</remarks>
    internal const int StockWindows = 2;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Count(Cpus, "CPU")}, {Count(Objects, "object")}, {Count(Cycles, "map cycle")} per CPU, {Count(Interrupts, "interrupt")}";

    private static string Count(int number, string what) => $"{number} {what}{(number == 1 ? string.Empty : "s")}";

    private static int InRange(int value, int least, int most, string what) => value >= least && value <= most
        ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"The machine has {least} to {most} {what}, not {value}.");
}
