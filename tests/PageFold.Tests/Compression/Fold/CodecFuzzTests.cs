using System.Diagnostics;
using System.Globalization;
using PageFold.Compression.Lz4;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>
/// Whatever bytes a decoder is given, it returns, touches nothing but its own memory, and says what depends on the bytes alone. Here for
/// some streams; the campaign <c>codec-fuzz</c> reads more than a hundred million.
/// </summary>
public class CodecFuzzTests
{
    private const int Batch = 20_000;

    // Many small pages: a stream of them takes a fraction of a microsecond, and most of the codec's sizes are met.
    private static readonly int[] PageSizes = [64, 100, 256, 400, 512, 1024, 64, 128, 2048, 4096, 300, 8192, 96, 65536];

    public static TheoryData<string, int> Subjects()
    {
        TheoryData<string, int> subjects = [];
        foreach (FuzzedCodec codec in Codecs())
        {
            foreach (int pageSize in (int[])[1, 2, 3, 5, 17, 64, 96, 320, 1024, 4096, 16384, 65536])
                subjects.Add(codec.Name, pageSize);
        }
        return subjects;
    }

    [Theory]
    [MemberData(nameof(Subjects))]
    public void Damaged_streams_harm_nothing_and_reveal_nothing(string codec, int pageSize)
    {
        GuardedMemory.SkipUnlessPossible();
        using CodecFuzz fuzz = new(Codecs().First(fuzzed => fuzzed.Name == codec), pageSize);
        int streams = pageSize > 10_000 ? 300 : 3000;
        fuzz.Run(seed: (ulong)pageSize, streams);
        Assert.Equal(streams, fuzz.Counts.Read);
        Assert.InRange(fuzz.Counts.Accepted, 1, streams);
    }

    /// <summary>A few batches here; with what the campaign sets in the environment, as many as that says.</summary>
    [Fact]
    public void Batches_follow_one_another_and_are_reported()
    {
        GuardedMemory.SkipUnlessPossible();
        string? report = Environment.GetEnvironmentVariable("PAGEFOLD_CODEC_FUZZ_REPORT");
        if (report is not null)
        {
            RunBatches(report, Number("SEED"), Number("BATCHES"), (int)Number("THREADS"), Batch);
            return;
        }
        string file = Path.GetTempFileName();
        RunBatches(file, seed: 3, batches: 4, threads: 2, batch: 100);
        Assert.StartsWith("FUZZED 400 streams", File.ReadLines(file).Last(), StringComparison.Ordinal);
        File.Delete(file);
    }

    /// <summary>A codec that is to be fuzzed is added here.</summary>
    private static List<FuzzedCodec> Codecs()
    {
        InstructionPath least = FoldSubjects.Paths[^1];
        List<FuzzedCodec> codecs = [];
        foreach (int length in (int[])[0, 20000])
        {
            byte[] dictionary = length == 0 ? [] : FoldSubjects.Dictionary("20000").ToArray();
            codecs.Add(new FuzzedCodec(
                $"lz4-managed with a dictionary of {length}",
                new ManagedLz4Codec("lz4-managed", dictionary, InstructionPaths.Best),
                new ManagedLz4Codec("lz4-managed", dictionary, least),
                dictionary));
        }
        foreach (FoldLevel level in FoldSubjects.Levels)
        {
            foreach (string tables in (string[])[FoldSubjects.BuiltIn, "1000", "65536", FoldSubjects.Crude])
            {
                codecs.Add(new FuzzedCodec(
                    $"fold {level} with tables {tables}",
                    FoldSubjects.Codec(level, tables, InstructionPaths.Best),
                    FoldSubjects.Codec(level, tables, FoldSubjects.Paths[^(1 + (int)level % FoldSubjects.Paths.Length)]),
                    FoldSubjects.Dictionary(tables).ToArray(),
                    FoldStream.Craft));
            }
        }
        return codecs;
    }

    /// <summary>
    /// Runs batches, each with the next seed. The report names a batch before it begins, so that a process that ends in the middle has left
    /// behind what to run again.
    /// </summary>
    private static void RunBatches(string report, long seed, long batches, int threads, int batch)
    {
        List<FuzzedCodec> codecs = Codecs();
        Stopwatch watch = Stopwatch.StartNew();
        (long next, long streams, long accepted) = (seed, 0, 0);
        object gate = new();
        void Tell(string text)
        {
            lock (gate)
                File.AppendAllText(report, text + Environment.NewLine);
        }
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
        {
            for (long own = Interlocked.Increment(ref next) - 1; own < seed + batches; own = Interlocked.Increment(ref next) - 1)
            {
                FuzzedCodec codec = codecs[(int)(own % codecs.Count)];
                int pageSize = PageSizes[own / codecs.Count % PageSizes.Length];
                Tell($"batch {own}: {codec.Name}, pages of {pageSize}");
                try
                {
                    using CodecFuzz fuzz = new(codec, pageSize);
                    // As many bytes in each batch, so that long pages do not take all the time.
                    fuzz.Run((ulong)own, pageSize > 4096 ? batch / 20 : batch);
                    Interlocked.Add(ref streams, fuzz.Counts.Read);
                    Interlocked.Add(ref accepted, fuzz.Counts.Accepted);
                }
                catch (Exception failure)
                {
                    Tell($"FAILED batch {own}: {failure}");
                    throw;
                }
            }
        });
        double seconds = watch.Elapsed.TotalSeconds;
        Tell(string.Create(CultureInfo.InvariantCulture,
            $"FUZZED {streams} streams, {accepted} accepted, {streams / seconds:F0} streams/s on {threads} threads"));
    }

    private static long Number(string name) =>
        long.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_CODEC_FUZZ_" + name)!, CultureInfo.InvariantCulture);
}
