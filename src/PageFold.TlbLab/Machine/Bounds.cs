namespace PageFold.TlbLab;

/// <summary>How far an exploration goes. Within the bounds it is complete; beyond them nothing is said. Immutable.</summary>
public sealed record Bounds
{
    /// <summary>What the matrix uses: 2 CPUs, 3 objects, 3 map cycles per CPU, 2 interrupts.</summary>
    public static Bounds Default { get; } = new();

    /// <summary>Processors, each with a task; 1 to 3.</summary>
    public int Cpus { get; init => field = InRange(value, 1, MachineLayout.MostCpus, "CPUs"); } = 2;

    /// <summary>Objects, each in two frames; 1 to 4.</summary>
    public int Objects { get; init => field = InRange(value, 1, MachineLayout.MostObjects, "objects"); } = 3;

    /// <summary>Map cycles of each task; 1 to 15.</summary>
    public int Cycles { get; init => field = InRange(value, 1, 15, "map cycles"); } = 3;

    /// <summary>Interrupts in all, in environments that have them; 0 to 3. Each maps once.</summary>
    public int Interrupts { get; init => field = InRange(value, 0, 3, "interrupts"); } = 2;

    /// <summary>Windows in the common stock of protocols that take theirs from one: fewer than may be wanted at once, so that reuse by others and running out are both met.</summary>
    internal const int StockWindows = 2;

    /// <inheritdoc/>
    public override string ToString() => $"{Count(Cpus, "CPU")}, {Count(Objects, "object")}, {Count(Cycles, "map cycle")} per CPU, {Count(Interrupts, "interrupt")}";

    private static string Count(int number, string what) => $"{number} {what}{(number == 1 ? string.Empty : "s")}";

    private static int InRange(int value, int least, int most, string what) => value >= least && value <= most
        ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"The machine has {least} to {most} {what}, not {value}.");
}
