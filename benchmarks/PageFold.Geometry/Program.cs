using System.Globalization;
using PageFold;

// Which steps, which longest chain? Stores the same real pages in stores of every geometry, discards the same random half, and prints what
// each store holds and how much compaction moved. Arguments: files or folders; every file is split into pages.
const int PageSize = 4096;
const long MaxBytes = 1L << 30;

if (args.Length == 0)
{
    await Console.Error.WriteLineAsync("usage: PageFold.Geometry PATH... (files or folders with at least 100 MiB of data)");
    return 2;
}
List<byte[]> pages = ReadPages(args);
int[] order = [.. Enumerable.Range(0, pages.Count)];
new Random(1).Shuffle(order);
Console.WriteLine($"{pages.Count:N0} pages of {string.Join(' ', args)}, LZ4, {PageSize} bytes");
Console.WriteLine();
Console.WriteLine("| step, bytes | longest chain | classes | fresh | half discarded, by itself | compacted | moved / freed |");
Console.WriteLine("|---|---|---|---|---|---|---|");
foreach (int steps in (int[])[512, 256, 128, 64])
{
    foreach (int chain in (int[])[1, 4, 8, 16, 32, 64])
        Console.WriteLine(Measure(steps, chain));
}
return 0;

string Measure(int steps, int chain)
{
    using PageStore store = new(new PageStoreOptions { PageSize = PageSize, MaxChain = chain, Steps = steps });
    for (int i = 0; i < pages.Count; i++)
        store.Write(i, pages[i]);
    int classes = store.GetStatistics().Classes.Count;
    double fresh = Overhead(store);
    for (int i = 0; i < order.Length / 2; i++)
        store.Discard(order[i]);
    Thread.Sleep(2000);
    double itself = Overhead(store);
    store.Compact();
    double compacted = Overhead(store);
    PageStoreStatistics statistics = store.GetStatistics();
    double moved = (double)statistics.BytesMoved / Math.Max(1, statistics.FramesCompacted * PageSize);
    return string.Create(
        CultureInfo.InvariantCulture,
        $"| {PageSize / steps} | {chain} | {classes} | {fresh:F4} | {itself:F4} | {compacted:F4} | {moved:F2} |");
}

static double Overhead(PageStore store)
{
    PageStoreStatistics statistics = store.GetStatistics();
    return (double)statistics.TotalBytes / statistics.CompressedBytes;
}

static List<byte[]> ReadPages(IEnumerable<string> paths)
{
    List<byte[]> pages = [];
    EnumerationOptions everything = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };
    foreach (string file in paths.SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", everything) : [path]))
    {
        if (new FileInfo(file).Length == 0)
            continue;
        using FileStream stream = File.OpenRead(file);
        while ((long)pages.Count * PageSize < MaxBytes)
        {
            byte[] page = new byte[PageSize];
            if (stream.ReadAtLeast(page, PageSize, throwOnEndOfStream: false) == 0)
                break;
            pages.Add(page);
        }
    }
    return pages;
}
