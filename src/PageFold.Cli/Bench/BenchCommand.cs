using System.CommandLine;
using PageFold.Cli.Bench.Alloc;
using PageFold.Cli.Bench.Codecs;
using PageFold.Cli.Bench.Layers;
using PageFold.Cli.Bench.Map;
using PageFold.Cli.Bench.Store;

namespace PageFold.Cli.Bench;

/// <summary><c>pagefold bench</c>: measures speed side by side with alternatives, on the user's own data and machine.</summary>
internal static class BenchCommand
{
    /// <summary>What the command answers, for the help.</summary>
    public const string Description = "How fast is it, beside what you would use otherwise, on your own data and machine?";

    public static Command Create() => new("bench", Description)
    {
        StoreBenchCommand.Create(),
        AllocBenchCommand.Create(),
        LayersCommand.Create(),
        MapBenchCommand.Create(),
        CodecBenchCommand.Create(),
        CacheBenchNotice.Create(),
    };
}
