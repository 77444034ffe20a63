// Saves a store as it is at one point in time while a writer goes on, and loads it into another store.
using PageFold;

string file = Path.Combine(Path.GetTempPath(), $"pagefold-sample-{Environment.ProcessId}.snapshot");
try
{
    using PageStore store = new(new PageStoreOptions { MemoryLimit = 32 << 20 });
    byte[] page = new byte[store.PageSize];
    for (int number = 0; number < 2000; number++)
        Write(store, page, number, version: 1);

    using (SnapshotSession session = store.BeginSnapshot(file, new SnapshotOptions { Label = "version 1" }))
    {
        session.TakePoint();
        Task<SnapshotResult> saving = Task.Run(() => session.Save());
        // What is overwritten meanwhile is saved as it was at the point.
        for (int number = 0; number < 2000; number++)
            Write(store, page, number, version: 2);
        SnapshotResult saved = await saving;
        Console.WriteLine($"saved {saved.Pages} pages in {saved.FileBytes:N0} bytes; writers saved {saved.PagesSavedByWriters} of them");
    }

    using PageStore restored = new(new PageStoreOptions { MemoryLimit = 32 << 20 });
    SnapshotInfo info = await restored.LoadSnapshotAsync(file);
    Console.WriteLine($"loaded \"{info.Label}\": {info.Pages} pages");
    for (int number = 0; number < 2000; number++)
    {
        if (!Has(restored, page, number, version: 1) || !Has(store, page, number, version: 2))
            return Failed($"page {number} has another version");
    }
    Console.WriteLine("the loaded store has version 1, the other one version 2");
    return 0;
}
finally
{
    File.Delete(file);
}

static void Write(PageStore store, byte[] page, int number, int version)
{
    page.AsSpan().Fill((byte)number);
    BitConverter.TryWriteBytes(page.AsSpan(100), version);
    if (store.Write(number, page) == StoreOutcome.Full)
        throw new InvalidOperationException($"Page {number} was refused.");
}

static bool Has(PageStore store, byte[] page, int number, int version) =>
    store.TryRead(number, page) && page[0] == (byte)number && BitConverter.ToInt32(page, 100) == version;

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
