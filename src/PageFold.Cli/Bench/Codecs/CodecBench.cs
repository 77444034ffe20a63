using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>Compresses and decompresses the same real pages with several codecs, one thread.</summary>
/// <remarks>
/// The codecs take turns: each compresses the same batch of pages, then each decompresses it, then comes the next batch. The order of the
/// codecs changes with each turn, and the order of the pages with each round. A figure is the median of all turns, and a ratio to
/// <c>lz4</c> the median of the ratios within the turns, so that other activity of the machine and changes of its clock rate affect both
/// sides alike.
/// </remarks>
internal sealed class CodecBench(
    IReadOnlyList<NamedCodec> codecs, PageImage image, int rounds, WorkProgress progress, CancellationToken cancellation)
{
    private const int Seed = 2026;
    private const int BatchBytes = 1 << 20;
    private const int WarmUpRounds = 3;
    private const int WarmUpTurns = 4;

    // The time that the background compiler may need for code that has become hot.
    private static readonly TimeSpan CompileTime = TimeSpan.FromMilliseconds(300);

    private readonly int[] _order = [.. Enumerable.Range(0, image.Count)];
    private readonly int[] _back = new int[BatchBytes / image.PageSize];
    // A fixed seed, so that the order is the same each time.
    private readonly Random _random = new(Seed);

    private int Batch => BatchBytes / image.PageSize;

    private int Turns => (image.Count + Batch - 1) / Batch;

    /// <summary>Verifies and measures all codecs.</summary>
    /// <param name="wrong">Receives the codecs that do not return a page as it was; they are not measured.</param>
    public IReadOnlyList<CodecBenchRow> Execute(List<WrongCodec> wrong)
    {
        List<MeasuredCodec> measured = [];
        try
        {
            Pack(measured, wrong);
            WarmUp(measured);
            progress.Begin($"Measuring in turns, {ByteSize.Format(image.PageSize)}", (long)rounds * Turns);
            for (int round = 0; round < rounds; round++)
            {
                _random.Shuffle(_order);
                for (int turn = 0; turn < Turns; turn++)
                {
                    Turn(measured, turn, round + turn, isWarmUp: false);
                    progress.Add(1);
                }
            }
            MeasuredCodec? lz4 = measured.Find(codec => codec.Codec.Name == "lz4");
            return [.. measured.Select(codec => Row(codec, lz4))];
        }
        finally
        {
            measured.ForEach(codec => codec.Dispose());
        }
    }

    private void Pack(List<MeasuredCodec> measured, List<WrongCodec> wrong)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        progress.Begin($"Verifying, {ByteSize.Format(image.PageSize)}", (long)codecs.Count * Turns);
        foreach (NamedCodec codec in codecs)
        {
            if (measured.Sum(other => other.HeldBytes) + (long)image.Count * image.PageSize > available)
            {
                throw new UserErrorException(
                    $"the pages compressed by {codecs.Count} codecs need more than the {ByteSize.Format(available)} of memory that can be "
                        + "used; choose less data with --sample, or fewer codecs with --codecs.");
            }
#pragma warning disable CA2000 // disposed here or by the caller
            MeasuredCodec next = new(codec, image);
#pragma warning restore CA2000
            string? problem = null;
            for (int turn = 0; turn < Turns && problem is null; turn++)
            {
                cancellation.ThrowIfCancellationRequested();
                problem = next.Pack(Pages(turn));
                progress.Add(1);
            }
            if (problem is null)
            {
                measured.Add(next);
                continue;
            }
            wrong.Add(new WrongCodec(codec.Name, codec.Implementation, image.PageSize, problem));
            next.Dispose();
        }
    }

    /// <summary>Runs everything that is timed later, until the code is compiled.</summary>
    private void WarmUp(List<MeasuredCodec> measured)
    {
        int turns = Math.Min(WarmUpTurns, Turns);
        progress.Begin("Warming up", WarmUpRounds * turns);
        for (int round = 0; round < WarmUpRounds; round++)
        {
            for (int turn = 0; turn < turns; turn++)
            {
                Turn(measured, turn, turn, isWarmUp: true);
                progress.Add(1);
            }
            cancellation.WaitHandle.WaitOne(CompileTime);
        }
    }

    /// <summary>Lets every codec compress a batch, then lets every codec decompress it in another order of its pages.</summary>
    private void Turn(List<MeasuredCodec> measured, int turn, int rotation, bool isWarmUp)
    {
        ReadOnlySpan<int> pages = Pages(turn);
        Span<int> back = _back.AsSpan(0, pages.Length);
        pages.CopyTo(back);
        _random.Shuffle(back);
        for (int i = 0; i < measured.Count; i++)
        {
            MeasuredCodec codec = measured[(i + rotation) % measured.Count];
            long begin = ThreadClock.Nanoseconds;
            codec.Compress(pages);
            double spent = ThreadClock.Nanoseconds - begin;
            if (!isWarmUp)
                codec.CompressTurns.Add(spent / 1000 / pages.Length);
            cancellation.ThrowIfCancellationRequested();
        }
        for (int i = 0; i < measured.Count; i++)
        {
            MeasuredCodec codec = measured[(i + rotation) % measured.Count];
            long begin = ThreadClock.Nanoseconds;
            codec.Decompress(back);
            double spent = ThreadClock.Nanoseconds - begin;
            if (!isWarmUp)
                codec.DecompressTurns.Add(spent / 1000 / pages.Length);
        }
    }

    private ReadOnlySpan<int> Pages(int turn) => _order.AsSpan(turn * Batch, Math.Min(Batch, image.Count - turn * Batch));

    private CodecBenchRow Row(MeasuredCodec codec, MeasuredCodec? lz4) => new(
        codec.Codec.Name,
        codec.Codec.Implementation,
        image.PageSize,
        image.Count,
        codec.CompressedBytes,
        codec.RawPages,
        Spread.Of(codec.CompressTurns).Median,
        Spread.Of(codec.DecompressTurns).Median,
        Ratio(codec.CompressTurns, lz4?.CompressTurns),
        Ratio(codec.DecompressTurns, lz4?.DecompressTurns));

    private static double? Ratio(List<double> turns, List<double>? others) =>
        others is null ? null : Spread.Of(turns.Zip(others, (time, other) => time / other)).Median;
}
