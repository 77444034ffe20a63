using System.Diagnostics;
using System.Globalization;
using System.Text;
using PageFold.Caching;

// Churn of mixed sizes with expiry, tags, changes of the values' kind (so that dictionaries change) and of the limit, on two threads.
// Arguments: seconds (600), limit in MiB (256), seed (1). The process writes "ready" when it has run its code once on a small cache, waits
// for a line on standard input, works, and writes a line of figures each second. Exit code 1 if the cache held more than its limit.
// Resident memory is watched from outside, by tests/campaigns/cache-memory.sh.
int seconds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 600;
long limit = (args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 256) * (1L << 20);
int seed = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;

// Compiled code, the runtime's own heaps and the training's are no part of what is measured.
using (CompressedCache small = Make(8 << 20))
    Churn(small, 8 << 20, TimeSpan.FromSeconds(6), tell: false);
GC.Collect();
Console.WriteLine("ready");
Console.ReadLine();

using CompressedCache cache = Make(limit);
FillUp(cache);
long most = Churn(cache, limit, TimeSpan.FromSeconds(seconds), tell: true);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {most} {limit}"));
return most <= limit ? 0 : 1;

static CompressedCache Make(long limit) => new(new CompressedCacheOptions { MemoryLimit = limit, Name = "soak" });

// From the first second on there is no free memory.
static void FillUp(CompressedCache target)
{
    Random random = new(1);
    byte[] noise = new byte[3000];
    for (int i = 0; target.UsedBytes < target.MemoryLimit - (1 << 20); i++)
    {
        random.NextBytes(noise);
        target.Set(BitConverter.GetBytes(i), noise.AsSpan(0, random.Next(1000, noise.Length)));
    }
}

long Churn(CompressedCache target, long most, TimeSpan duration, bool tell)
{
    Stopwatch time = Stopwatch.StartNew();
    Thread[] workers = [.. Enumerable.Range(0, 2).Select(number => new Thread(() => Work(target, number, time, duration)))];
    foreach (Thread worker in workers)
        worker.Start();
    long used = 0;
    Random random = new(seed);
    for (int round = 1; time.Elapsed < duration; round++)
    {
        Thread.Sleep(100);
        used = Math.Max(used, target.UsedBytes);
        if (round % 10 != 0)
            continue;
        CompressedCacheStatistics figures = target.GetStatistics();
        if (tell)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{time.Elapsed.TotalSeconds:F0} s: {figures.Entries} entries, {figures.UsedBytes >> 20} MiB used, "
                + $"ratio {figures.CompressionRatio:F2}, "
                    + $"{figures.Sets} sets, {figures.Refused} refused, dictionary {figures.DictionaryVersion}"));
        if (round % 50 == 0)
            target.MemoryLimit = most / 2 + random.NextInt64(most / 2);
        if (round % 50 == 20)
            target.MemoryLimit = most;
        if (round % 100 == 70)
            target.Compact();
        if (round % 150 == 120)
            target.Trim(most / 3);
    }
    foreach (Thread worker in workers)
        worker.Join();
    return used;
}

void Work(CompressedCache target, int number, Stopwatch time, TimeSpan duration)
{
    Random random = new(seed * 31 + number);
    byte[] value = new byte[1 << 20];
    byte[] key = new byte[64];
    while (time.Elapsed < duration)
    {
        int kind = (int)(time.Elapsed.TotalSeconds / Math.Max(3, duration.TotalSeconds / 12));
        for (int i = 0; i < 200; i++)
        {
            int name = random.Next(1_000_000);
            Encoding.ASCII.TryGetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind % 3}:item:{name}"), key, out int keyLength);
            switch (random.Next(20))
            {
                case 0:
                    target.Remove(key.AsSpan(0, keyLength));
                    continue;
                case 1 when random.Next(500) == 0:
                    target.RemoveByTag($"tag {random.Next(50)}");
                    continue;
                case < 7:
                    target.TryGet(key.AsSpan(0, keyLength), value, out _);
                    continue;
            }
            int length = random.Next(1000) switch
            {
                0 => random.Next(value.Length),
                < 20 => random.Next(40_000),
                < 300 => random.Next(4000),
                _ => random.Next(800),
            };
            Fill(value.AsSpan(0, length), kind, random);
            CacheEntryPolicy policy = random.Next(3) switch
            {
                0 => new() { Expiration = TimeSpan.FromSeconds(1 + random.Next(30)), Tags = [$"tag {random.Next(50)}"] },
                1 => new() { SlidingExpiration = TimeSpan.FromSeconds(1 + random.Next(20)) },
                _ => default,
            };
            target.Set(key.AsSpan(0, keyLength), value.AsSpan(0, length), policy);
        }
    }
}

static void Fill(Span<byte> value, int kind, Random random)
{
    ReadOnlySpan<byte> json = "{\"id\":000000,\"name\":\"an article of the shop\",\"price\":17.5,\"tags\":[\"a\",\"b\"],\"stock\":true}"u8;
    ReadOnlySpan<byte> html = "<tr class=\"row even\"><td>000000</td><td><a href=\"/a/b/c?d=e\">A link to a page</a></td></tr>\n"u8;
    ReadOnlySpan<byte> log = "2026-01-01T00:00:00.000Z INFO Service.Component request finished in 000000 ms, status 200\r\n"u8;
    ReadOnlySpan<byte> text = (kind % 4) switch { 0 => json, 1 => html, 2 => log, _ => [] };
    if (text.IsEmpty || random.Next(10) == 0)
    {
        random.NextBytes(value);
        return;
    }
    for (int at = 0; at < value.Length;)
    {
        int take = Math.Min(value.Length - at, text.Length);
        text[..take].CopyTo(value[at..]);
        if (take > 8)
            value[at + random.Next(take)] = (byte)random.Next();
        at += take;
    }
}
