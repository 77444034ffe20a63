using System.CommandLine;
using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>The options of all commands of the lab that set the bounds of an exploration.</summary>
internal sealed class BoundsOptions
{
    // With a smaller heap the runtime itself does not survive running out of memory.
    private const long MinHeap = 64 << 20;

    private readonly Option<string> _cpus = Make("--cpus", "CPUs, each with a task; 1 to 3.", Bounds.Default.Cpus);
    private readonly Option<string> _objects = Make("--objects", "Objects, each in two frames; 1 to 4.", Bounds.Default.Objects);
    private readonly Option<string> _cycles = Make("--cycles", "Map cycles of each CPU; 1 to 15.", Bounds.Default.Cycles);
    private readonly Option<string> _interrupts =
        Make("--interrupts", "Interrupts in all, in environments that have them; 0 to 3.", Bounds.Default.Interrupts);
    private readonly Option<string> _maxStates =
        Make("--max-states", "States after which an exploration gives up; about 100 bytes each.", Checker.DefaultMaxStates);

    public void AddTo(Command command)
    {
        command.Options.Add(_cpus);
        command.Options.Add(_objects);
        command.Options.Add(_cycles);
        command.Options.Add(_interrupts);
        command.Options.Add(_maxStates);
    }

    public Bounds ToBounds(ParseResult parsed)
    {
        Bounds bounds = new()
        {
            Cpus = Integer(parsed, _cpus, 1, 3),
            Objects = Integer(parsed, _objects, 1, 4),
            Cycles = Integer(parsed, _cycles, 1, 15),
            Interrupts = Integer(parsed, _interrupts, 0, 3),
        };
        long heap = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return heap >= MinHeap
            ? bounds
            : throw new UserErrorException(
                $"the heap may have {ByteSize.Format(heap)}, and exploring needs {ByteSize.Format(MinHeap)}; raise "
                + "DOTNET_GCHeapHardLimit, or the container's memory.");
    }

    public int ToMaxStates(ParseResult parsed) => Integer(parsed, _maxStates, 1, 100_000_000);

    private static Option<string> Make(string name, string description, int value) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => Figures.Of(value, "0"),
        HelpName = "N",
    };

    private static int Integer(ParseResult parsed, Option<string> option, int least, int most) =>
        Arguments.Integer(option.Name, parsed.GetValue(option)!, least, most, $"{Figures.Of(least, "0")} to {Figures.Of(most, "0")}");
}
