using System.CommandLine;
using System.Text.Json;

namespace PageFold.Cli.Bench.Map;

/// <summary><c>pagefold bench map</c>: measures the cost of each way to access an object, beside a pointer.</summary>
internal static class MapBenchCommand
{
    private const long MinWorkingSet = 1 << 20;

    public static Command Create()
    {
        Option<string[]> sizes = Several(
            "--sizes", "Sizes of objects in bytes, measured one after the other.", "256,1024,2048,4000", "N,N");
        Option<string[]> straddling = Several(
            "--straddling", "Shares of objects that straddle two frames, in percent, measured one after the other.", "0,50,100", "N,N");
        Option<string[]> windowSizes = Several(
            "--window-sizes",
            "Sizes of objects in bytes for the comparison of copy and window, of which a third straddle, and then all.",
            "512,1632,3264",
            "N,N");
        Option<string[]> frameSizes = Several(
            "--frame-sizes",
            "Bytes in a frame for that comparison: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.",
            "4KiB,16KiB,64KiB",
            "BYTES,BYTES");
        Option<string> workingSet = new("--working-set")
        {
            Description = "Bytes of the objects that are accessed, at most.",
            DefaultValueFactory = _ => "256MiB",
            HelpName = "BYTES",
        };
        Option<string> rounds = new("--rounds")
        {
            Description = "Rounds, in which all ways take turns; the median is shown.",
            DefaultValueFactory = _ => "5",
            HelpName = "N",
        };
        Option<string?> json = new("--json")
        {
            Description = "Write the report as JSON to a file, or to standard output with -.",
            HelpName = "FILE|-",
        };
        Command command = new(
            "map",
            "Get at objects of a pool in random order: mapped, viewed, copied out and written, beside a pointer into a plain array; and "
                + "mapped by copying against through windows.")
        {
            sizes, straddling, windowSizes, frameSizes, workingSet, rounds, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new MapBenchOptions
        {
            Sizes = Sizes("--sizes", parsed.GetValue(sizes)!),
            Straddling = Arguments.Integers(
                "--straddling", parsed.GetValue(straddling)!, 0, 100, "0 to 100, or several with commas between"),
            WindowSizes = Sizes("--window-sizes", parsed.GetValue(windowSizes)!),
            FrameSizes = FrameSizes(parsed.GetValue(frameSizes)!),
            WorkingSetBytes = WorkingSet(parsed.GetValue(workingSet)!),
            Rounds = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000"),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static Option<string[]> Several(string name, string description, string values, string helpName) => new(name)
    {
        AllowMultipleArgumentsPerToken = true,
        Description = description,
        DefaultValueFactory = _ => [values],
        HelpName = helpName,
    };

    private static IReadOnlyList<int> Sizes(string option, string[] texts)
    {
        const int Largest = ZsPool.MinFrameSize;
        return Arguments.Integers(option, texts, 1, Largest, $"1 to {Largest}, or several with commas between");
    }

    private static int[] FrameSizes(string[] texts)
    {
        int[] sizes = [.. Arguments.Several(texts).Select(text => Arguments.PageSize(text, "--frame-sizes", "a frame size"))];
        return sizes.Distinct().Count() == sizes.Length
            ? sizes
            : throw new UserErrorException($"--frame-sizes {string.Join(' ', texts)} names a size twice; name each once.");
    }

    private static long WorkingSet(string text)
    {
        long bytes = Arguments.Bytes("--working-set", text)!.Value;
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 / PlacedObjects.MemoryFactor;
        if (bytes < MinWorkingSet || bytes > most)
        {
            throw new UserErrorException(
                $"--working-set {text} is not possible; choose {ByteSize.Format(MinWorkingSet)} to {ByteSize.Format(most)}, a part of the "
                    + "memory there is.");
        }
        return bytes;
    }

    private static int Run(MapBenchOptions options, CancellationToken outer)
    {
        using ReportTarget? json = options.Json is { } target ? new ReportTarget(target) : null;
        return Interruptible.Run(cancellation =>
        {
            WorkProgress progress = new();
            MapBenchReport report = ProgressView.Watch(progress, () => Measure(options, progress, cancellation));
            json?.Write(JsonSerializer.Serialize(report, MapBenchJson.Default.MapBenchReport));
            if (json?.IsStandardOutput != true)
                MapBenchView.Show(report);
            return report.Verified ? ExitCodes.Success : ExitCodes.Failure;
        }, outer);
    }

    private static MapBenchReport Measure(MapBenchOptions options, WorkProgress progress, CancellationToken cancellation)
    {
        try
        {
            return new MapBench(options, progress, cancellation).Execute();
        }
        catch (MemoryLimitException e)
        {
            throw new UserErrorException(
                "half of the memory there is, a pool's limit, does not hold the objects; choose a smaller --working-set.", e);
        }
    }
}
