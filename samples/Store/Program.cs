// Stores pages compressed, reads one back, and shows what a memory limit does.
using PageFold;

using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
byte[] page = new byte[store.PageSize];
FillText(page, 17);
StoreOutcome outcome = store.Write(17, page);
Console.WriteLine($"a page of text: {outcome}");
for (int number = 0; number < 1000; number++)
{
    FillText(page, number);
    if (store.Write(number, page) != StoreOutcome.Stored)
        return Failed($"page {number} was not stored");
}
Array.Clear(page);
Console.WriteLine($"a page of zeros: {store.Write(1000, page)}");

byte[] expected = new byte[store.PageSize];
FillText(expected, 17);
bool found = store.TryRead(17, page);
if (!found || !page.AsSpan().SequenceEqual(expected))
    return Failed("page 17 was not read back");

PageStoreStatistics statistics = store.GetStatistics();
Console.WriteLine($"{statistics.Pages} pages, {statistics.OriginalBytes:N0} bytes of data, {statistics.TotalBytes:N0} bytes of memory");

store.Discard(first: 0, count: 500);
Console.WriteLine($"after a discard of 500 pages: {store.GetStatistics().Pages} pages");

// Reaching the limit is an outcome, not an exception.
int accepted = 0;
while (accepted < 10_000 && Write(store, page, 10_000 + accepted) != StoreOutcome.Full)
    accepted++;
Console.WriteLine($"{accepted} pages of noise fit; the next one was refused, and {store.GetStatistics().TotalBytes:N0} bytes are held");
return store.GetStatistics().TotalBytes <= store.MemoryLimit && accepted < 10_000 ? 0 : Failed("the limit did not hold");

static StoreOutcome Write(PageStore store, byte[] page, int number)
{
    FillNoise(page, number);
    return store.Write(number, page);
}

static void FillText(byte[] page, int number)
{
    string line = $"This is page {number}. ";
    for (int i = 0; i < page.Length; i++)
        page[i] = (byte)line[i % line.Length];
}

static void FillNoise(byte[] page, int seed)
{
    ulong state = (ulong)seed * 0x9E3779B97F4A7C15;
    for (int i = 0; i < page.Length; i++)
        page[i] = (byte)((state = (state * 6364136223846793005) + 1442695040888963407) >> 56);
}

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
