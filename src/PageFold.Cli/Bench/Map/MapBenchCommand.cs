using System.CommandLine;
using System.Text.Json;

namespace PageFold.Cli.Bench.Map;

/// <summary><c>pagefold bench map</c>: what it costs to get at an object, in every way there is, beside a pointer.</summary>
internal static class MapBenchCommand
{
    private const long LeastWorkingSet = 1 << 20;

    public static Command Create()
    {
        Option<string[]> sizes = new("--sizes") { AllowMultipleArgumentsPerToken = true, Description = "Sizes of objects in bytes, measured one after the other.", DefaultValueFactory = _ => ["256,1024,2048,4000"], HelpName = "N,N" };
        Option<string[]> straddling = new("--straddling") { AllowMultipleArgumentsPerToken = true, Description = "Shares of objects that straddle two frames, in percent, measured one after the other.", DefaultValueFactory = _ => ["0,50,100"], HelpName = "N,N" };
        Option<string[]> windowSizes = new("--window-sizes") { AllowMultipleArgumentsPerToken = true, Description = "Sizes of objects in bytes for the comparison of copy and window, of which a third straddle, and then all.", DefaultValueFactory = _ => ["512,1632,3264"], HelpName = "N,N" };
        Option<string[]> frameSizes = new("--frame-sizes") { AllowMultipleArgumentsPerToken = true, Description = "Bytes in a frame for that comparison: 4KiB, 8KiB, 16KiB, 32KiB or 64KiB.", DefaultValueFactory = _ => ["4KiB,16KiB,64KiB"], HelpName = "BYTES,BYTES" };
        Option<string> workingSet = new("--working-set") { Description = "Bytes of the objects that are accessed, at most.", DefaultValueFactory = _ => "256MiB", HelpName = "BYTES" };
        Option<string> rounds = new("--rounds") { Description = "Rounds, in which all ways take turns; the median is shown.", DefaultValueFactory = _ => "5", HelpName = "N" };
        Option<string?> json = new("--json") { Description = "Write the report as JSON to a file, or to standard output with -.", HelpName = "FILE|-" };
        Command command = new("map", "Get at objects of a pool in random order: mapped, viewed, copied out and written, beside a pointer into a plain array; and mapped by copying against through windows.")
        {
            sizes, straddling, windowSizes, frameSizes, workingSet, rounds, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(new MapBenchOptions
        {
            Sizes = Arguments.Integers("--sizes", parsed.GetValue(sizes)!, 1, ZsPool.MinFrameSize, $"1 to {ZsPool.MinFrameSize}, or several with commas between"),
            Straddling = Arguments.Integers("--straddling", parsed.GetValue(straddling)!, 0, 100, "0 to 100, or several with commas between"),
            WindowSizes = Arguments.Integers("--window-sizes", parsed.GetValue(windowSizes)!, 1, ZsPool.MinFrameSize, $"1 to {ZsPool.MinFrameSize}, or several with commas between"),
            FrameSizes = FrameSizes(parsed.GetValue(frameSizes)!),
            WorkingSetBytes = WorkingSet(parsed.GetValue(workingSet)!),
            Rounds = Arguments.Integer("--rounds", parsed.GetValue(rounds)!, 1, 1000, "1 to 1000"),
            Json = parsed.GetValue(json),
        }, cancellation)));
        return command;
    }

    private static int[] FrameSizes(string[] texts)
    {
        int[] sizes = [.. Arguments.Several(texts).Select(text => Arguments.PageSize(text, "--frame-sizes", "a frame size"))];
        return sizes.Distinct().Count() == sizes.Length ? sizes : throw new UserErrorException($"--frame-sizes {string.Join(' ', texts)} names a size twice; name each once.");
    }

    private static long WorkingSet(string text)
    {
        long bytes = Arguments.Bytes("--working-set", text)!.Value;
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 / PlacedObjects.MemoryFactor;
        if (bytes < LeastWorkingSet || bytes > most)
            throw new UserErrorException($"--working-set {text} is not possible; choose {ByteSize.Format(LeastWorkingSet)} to {ByteSize.Format(most)}, a part of the memory there is.");
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
            throw new UserErrorException("half of the memory there is, a pool's limit, does not hold the objects; choose a smaller --working-set.", e);
        }
    }
}
