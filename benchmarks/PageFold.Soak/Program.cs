using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using PageFold;

// Mixed store, load, discard and compact on all cores under a tight limit, every load verified, memory watched. Arguments: seconds (600),
// limit in MiB (192). Exit code 1 if a byte was wrong, the limit was exceeded, or resident memory grew. With "windows" and seconds (60):
// straddling objects mapped through windows instead.
if (args is ["windows", ..])
{
    using WindowSoak windows = new(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 60);
    return windows.Execute();
}
const int PageSize = 4096;
const int Numbers = 120_000;
int seconds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 600;
long limit = (args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 192) * (1L << 20);
int threads = Environment.ProcessorCount;

byte[][] data = ReadRealPages(20_000);
UInt128[] hashes = [.. data.Select(page => XxHash128.HashToUInt128(page))];
HashSet<UInt128> known = [.. hashes];
using PageStore store = new(new PageStoreOptions { MemoryLimit = limit });
// Which of the data each page holds; -1 for none. A page is written and discarded by one thread only.
int[] holds = new int[Numbers];
Array.Fill(holds, -1);
long writes = 0, refused = 0, loads = 0, discards = 0, compactions = 0, wrong = 0;
Stopwatch time = Stopwatch.StartNew();
Thread[] workers = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => Work(number)))];
foreach (Thread worker in workers)
    worker.Start();

List<long> resident = [];
bool overLimit = false;
Console.WriteLine("seconds    writes  refused     loads  discards  compactions  wrong   held MiB  resident MiB");
while (time.Elapsed.TotalSeconds < seconds)
{
    Thread.Sleep(TimeSpan.FromSeconds(Math.Min(10, seconds / 10.0)));
    long held = store.GetStatistics().TotalBytes;
    overLimit |= store.GetStatistics().PeakBytes > limit;
    GC.Collect();
    using Process self = Process.GetCurrentProcess();
    resident.Add(self.WorkingSet64);
    string counts = $"{writes,9} {refused,8} {loads,9} {discards,9} {compactions,12} {wrong,6}";
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{time.Elapsed.TotalSeconds,7:F0} {counts} {held / 1048576.0,10:F1} {resident[^1] / 1048576.0,13:F1}"));
}
foreach (Thread worker in workers)
    worker.Join();

// Flat: the last quarter is not above the second by more than two percent of the limit.
double early = resident.Skip(resident.Count / 4).Take(Math.Max(1, resident.Count / 4)).Average();
double late = resident.Skip(resident.Count * 3 / 4).Average();
bool flat = late <= early + limit * 0.02;
string bytes = wrong == 0 ? "verified" : "WRONG BYTES";
string kept = overLimit ? "PASSED" : "kept";
string growth = flat ? "flat" : "GREW";
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{bytes}: {loads:N0} loads; limit {kept}; resident memory {growth}: {early / 1048576:F1} MiB early, {late / 1048576:F1} MiB late"));
return wrong == 0 && !overLimit && flat ? 0 : 1;

void Work(int number)
{
    Random random = new(number);
    byte[] page = new byte[PageSize];
    while (time.Elapsed.TotalSeconds < seconds)
    {
        int own = random.Next(Numbers / threads) * threads + number;
        int dice = random.Next(1000);
        if (dice < 450)
        {
            int chosen = random.Next(data.Length);
            bool keep = random.Next(2) == 0;
            StoreOutcome outcome = store.Write(own, data[chosen], keep ? RefusalPolicy.Keep : RefusalPolicy.Invalidate);
            Interlocked.Increment(ref writes);
            if (outcome != StoreOutcome.Full)
                holds[own] = chosen;
            else if (!keep)
                holds[own] = -1;
            if (outcome == StoreOutcome.Full)
                Interlocked.Increment(ref refused);
        }
        else if (dice < 750)
        {
            bool found = store.TryRead(own, page);
            Verify(found == holds[own] >= 0 && (!found || XxHash128.HashToUInt128(page) == hashes[holds[own]]));
        }
        else if (dice < 900)
        {
            // A page of another thread: whatever version it is, it must be whole.
            Verify(!store.TryRead(random.Next(Numbers), page) || known.Contains(XxHash128.HashToUInt128(page)));
        }
        else if (dice < 999)
        {
            store.Discard(own);
            holds[own] = -1;
            Interlocked.Increment(ref discards);
        }
        else if (random.Next(20) == 0)
        {
            store.Compact();
            Interlocked.Increment(ref compactions);
        }
    }
}

void Verify(bool right)
{
    Interlocked.Increment(ref loads);
    if (!right)
        Interlocked.Increment(ref wrong);
}

static byte[][] ReadRealPages(int count)
{
    // The runtime's own libraries, wherever they are.
    List<byte[]> pages = [];
    foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "*.dll"))
    {
        byte[] content = File.ReadAllBytes(file);
        for (int offset = 0; offset + PageSize <= content.Length && pages.Count < count; offset += PageSize)
            pages.Add(content[offset..(offset + PageSize)]);
    }
    return [.. pages];
}
