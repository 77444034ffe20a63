using PageFold.Cli.Data;
using PageFold.Cli.Measure;
using Spectre.Console;

namespace PageFold.Cli.Tests;

/// <summary>The text that <c>pagefold measure</c> shows for figures.</summary>
public class MeasureViewTests
{
    [Theory]
    [InlineData(2.014, 8192, 3000, "2.01 times as much data in the same memory")]
    [InlineData(0.03, 4096, 29, "more memory than the data itself: so little data does not pay for its tables")]
    [InlineData(0.99, 4096, 4096, "more memory than the data itself, which hardly compresses")]
    public void What_compression_saves_is_told_and_so_is_that_it_saves_nothing(
        double ratio, long original, long compressed, string expected) =>
        Assert.Equal(expected, Figures.Saving(ratio, original, compressed));

    [Fact]
    public void What_a_training_holds_for_a_while_is_not_put_down_to_the_data()
    {
        // 8 MiB of data in 4 MiB, and 36 MiB for training.
        string saving = Figures.Saving(8.0 / 40, 8 << 20, 3 << 20, 36 << 20);
        Assert.EndsWith("of it for training, given back after it; without it 2.00 times as much data in the same memory", saving,
            StringComparison.Ordinal);
        Assert.StartsWith(ByteSize.Format(36 << 20), saving, StringComparison.Ordinal);
        Assert.Contains("without it more memory than the data itself, which hardly", Figures.Saving(8.0 / 45, 8 << 20, 8 << 20, 36 << 20),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, "compaction freed nothing")]
    [InlineData(4096, 0, "compaction freed nothing")]
    [InlineData(4096, 8192, "compaction moved 0.5 bytes for each byte it freed")]
    public void Compaction_is_rated_where_it_freed_something(long moved, long freed, string expected)
    {
        MeasureReport report = new()
        {
            Source = "data",
            Codec = "lz4",
            PageSize = 4096,
            Chain = 64,
            Threads = 1,
            AfterDiscard = new MeasureAfterDiscard { CompactedTotalBytes = 1, BytesMoved = moved, BytesFreed = freed },
        };
        using StringWriter text = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        console.Write(MeasureView.Summary(report));
        Assert.Contains(expected, text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_measurement_that_is_interrupted_in_training_says_that_the_dense_pass_is_missing()
    {
        using DataFolder data = new(1);
        File.WriteAllBytes(Path.Combine(data.Path, "letters"), ServeContent.Letters(4 << 20, 1));
        MeasureOptions options = new()
        {
            Paths = [Path.Combine(data.Path, "letters")],
            Codec = CodecNames.Parse("--codec", CodecNames.Fold),
            Denser = CodecNames.Parse("--codec", CodecNames.FoldDense),
            TrainsTables = true,
            PageSize = 4096,
            Chain = 64,
            Threads = 1,
            MemoryLimit = 64 << 20,
        };
        using CancellationTokenSource stop = new();
        using PageSource source = Arguments.OpenData(options.Paths, null, options.PageSize, null, holes: true, [], stop.Token);
        WorkProgress progress = new();
        Task<MeasureReport> running = Task.Run(() => new MeasureRun(options, source, progress, stop.Token).Execute());
        SpinWait.SpinUntil(() => progress.Name == "Training tables" || running.IsCompleted);
        stop.Cancel();
        MeasureReport report = running.GetAwaiter().GetResult();
        Assert.Equal(["the training of tables", "the pass with fold:dense"], report.Missing);
        Assert.True(report.Interrupted);
        Assert.Contains("auto, only its writes with fold, ", MeasureView.Summary(report).Title!.Text, StringComparison.Ordinal);
        Assert.Contains(MeasureView.Notes(report), line => line.Contains(
            "the figures are of those; the training of tables and the pass with fold:dense are missing", StringComparison.Ordinal));
    }
}
