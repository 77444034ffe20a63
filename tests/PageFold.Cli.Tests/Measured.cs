namespace PageFold.Cli.Tests;

/// <summary>Figures of <c>pagefold measure</c> that are equal for equal content.</summary>
internal readonly record struct Measured(long Pages, long CompressedBytes)
{
    /// <summary>The figures of a report as JSON.</summary>
    public static Measured Of(Command run) =>
        new(run.Json.GetProperty("pages").GetInt64(), run.Json.GetProperty("compressedBytes").GetInt64());

    /// <summary>Measures paths with the codec of the scripts of these tests, the fastest.</summary>
    public static Measured Of(params string[] paths)
    {
        Command run = Command.Run(["measure", "--codec", "lz4", "--json", "-", .. paths]);
        Assert.True(run.ExitCode == 0, run.Error);
        return Of(run);
    }
}
