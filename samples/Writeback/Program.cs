// Makes a store smaller while it is used: a denser codec for old pages, then a file for the rest.
using PageFold;

string file = Path.Combine(Path.GetTempPath(), $"pagefold-sample-{Environment.ProcessId}.writeback");
using PageStore store = new(new PageStoreOptions
{
    MemoryLimit = 32 << 20,
    Codec = PageCodec.Lz4,
    Writeback = new WritebackOptions { Path = file, MaxBytes = 64 << 20 },
});
byte[] page = new byte[store.PageSize];
for (int number = 0; number < 4000; number++)
{
    Fill(page, number);
    if (store.Write(number, page) == StoreOutcome.Full)
        return Failed($"page {number} was refused");
}
Show("written with LZ4");

RecompressionResult dense = store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(9) });
store.Compact();
Show($"{dense.Recompressed} pages recompressed with Zstandard");

WritebackResult moved = store.WriteBack(new WritebackSelection { MaxBytes = dense.BytesAfter / 2 });
store.Compact();
Show($"{moved.Pages} pages moved to the file ({moved.Stopped})");
if (dense.Recompressed == 0 || moved.Pages == 0 || moved.Error is not null)
    return Failed($"nothing was recompressed, or nothing was moved: {moved.Error?.Message}");

// Pages in the file are read like all others.
byte[] expected = new byte[store.PageSize];
for (int number = 0; number < 4000; number++)
{
    Fill(expected, number);
    if (!store.TryRead(number, page) || !page.AsSpan().SequenceEqual(expected))
        return Failed($"page {number} was not read back");
}
Console.WriteLine($"all pages verified, {store.GetStatistics().WritebackReads} of them read from the file");
return 0;

void Show(string moment) => Console.WriteLine($"{moment}: {store.GetStatistics().TotalBytes:N0} bytes of memory");

static void Fill(byte[] page, int number)
{
    for (int i = 0; i < page.Length; i++)
        page[i] = (byte)(i % 8 == 0 ? (number * 31) + (i * i / 64) : "record: "[i % 8]);
}

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
