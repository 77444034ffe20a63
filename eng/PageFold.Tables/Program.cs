using System.Diagnostics;
using System.Globalization;
using PageFold;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Paths;
using PageFold.Tables;

// Trains the built-in tables of the codec "fold" on half of this system's files and on the memory of a few programs, and measures them on
// the other half. eng/tables.sh runs it.
if (args is ["objects" or "documents", var folderOfTexts])
{
    if (args[0] == "objects")
        ObjectsWorkload.Run(folderOfTexts);
    else
        DocumentsWorkload.Run(folderOfTexts);
    return 0;
}
if (args is not [var output, var roslyn, var sources])
{
    await Console.Error.WriteLineAsync("usage: PageFold.Tables OUTPUT ROSLYN SOURCES (eng/tables.sh knows the folders)");
    return 2;
}
TextSet[] sets = [new(4 << 10, 16_000), new(16 << 10, 6_000), new(64 << 10, 2_500)];
FileTexts.Take(sets);
string folder = Path.Combine(AppContext.BaseDirectory, "workloads");
string packs = Path.GetFullPath(Path.Combine(roslyn, "..", "..", "..", "packs"));
TakeProcess(() => Workload.Start("python", "python3", Path.Combine(folder, "objects.py")), 0.2);
TakeProcess(() => Workload.Start("objects", Environment.ProcessPath!, "objects", packs), 0.2);
TakeProcess(() => Workload.Start("documents", Environment.ProcessPath!, "documents", packs), 0.2);
TakeProcess(() => Workload.StartCompiler(roslyn, sources), 0.2);
TakeProcess(() => Workload.Start("perl", "perl", Path.Combine(folder, "index.pl")), 0.1);
TakeProcess(() => Workload.Start("bash", "bash", Path.Combine(folder, "lines.sh")), 0.1);
Directory.CreateDirectory(output);
foreach (TextSet set in sets)
{
    Console.WriteLine(Say($"{set.Length / 1024} KiB: {set.Training.Count:N0} texts"));
    foreach (string source in (string[])[FileTexts.Source, ProcessTexts.Source])
        Console.WriteLine($"  {source}: {set.Describe(source)}");
    Stopwatch time = Stopwatch.StartNew();
    FoldDefinition definition = FoldTrainer.Train(
        set.Training.ConvertAll(text => (ReadOnlyMemory<byte>)text), set.Length, default, CancellationToken.None);
    await File.WriteAllBytesAsync(Path.Combine(output, Say($"{set.Length}.tables")), definition.ToArray());
    Console.WriteLine(Say($"  trained in {time.Elapsed.TotalSeconds:F1} s; what is held out, in bytes of {set.Length}:"));
    Console.WriteLine("  | | texts | dense | fast | dense, the old tables | lz4 | zstd 1 | zstd 3 |");
    Console.WriteLine("  |---|---|---|---|---|---|---|---|");
    FoldTables trained = new(definition);
    FoldTables before = BuiltInTables.For(set.Length);
    PageCodec[] codecs =
    [
        new FoldCodec(FoldLevel.Dense, trained, InstructionPaths.Best), new FoldCodec(FoldLevel.Fast, trained, InstructionPaths.Best),
        new FoldCodec(FoldLevel.Dense, before, InstructionPaths.Best), PageCodec.Lz4Managed, PageCodec.Zstd(1), PageCodec.Zstd(3),
    ];
    foreach ((string source, List<byte[]> texts) in set.HeldOut)
    {
        IEnumerable<string> bytes = codecs.Select(codec => Say($"{Measure(codec, texts, set.Length):F1}"));
        Console.WriteLine(Say($"  | {source} | {texts.Count} | {string.Join(" | ", bytes)} |"));
    }
}
return 0;

void TakeProcess(Func<Workload?> start, double share)
{
    using Workload? workload = start();
    if (workload is not null)
        ProcessTexts.Take(sets, workload.Pid, workload.Kind, share);
}

static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

// The mean of a text's bytes; one that is not made shorter counts as it is.
static double Measure(PageCodec codec, List<byte[]> texts, int length)
{
    using PageCodecContext context = codec.CreateContext(length);
    byte[] destination = new byte[codec.MaxCompressedLength(length)];
    byte[] page = new byte[length];
    long total = 0;
    foreach (byte[] text in texts)
    {
        bool fits = context.TryCompress(text, destination, out int written) && written < length;
        total += fits ? written : length;
        if (fits && !(context.TryDecompress(destination.AsSpan(0, written), page) && page.AsSpan().SequenceEqual(text)))
            throw new InvalidOperationException($"{codec.Name} did not return what it was given");
    }
    return (double)total / texts.Count;
}
