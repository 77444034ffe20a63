// The output cache of ASP.NET Core in a PageFold cache: pages are made once, compressed, and removed by tag. It asks itself and ends; with
// an argument it serves until Ctrl-C.
using Microsoft.AspNetCore.OutputCaching;
using PageFold.Caching;
using PageFold.Caching.AspNetCore;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddPageFoldOutputCache(options => options.MemoryLimit = 64 << 20);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
if (args.Length == 0)
    builder.WebHost.UseUrls("http://127.0.0.1:0");

await using WebApplication app = builder.Build();
app.UseOutputCache();
int made = 0;
app.MapGet("/pages/{id}", (int id) => Results.Text(Page(id, Interlocked.Increment(ref made)), "text/html"))
    .CacheOutput(policy => policy.Tag("pages").Expire(TimeSpan.FromMinutes(10)));
app.MapDelete("/pages", async (IOutputCacheStore store) => await store.EvictByTagAsync("pages", CancellationToken.None));
await app.StartAsync();
string address = app.Urls.First();
Console.WriteLine($"serving at {address}: /pages/1");
if (args.Length > 0)
{
    await app.WaitForShutdownAsync();
    return 0;
}

using HttpClient client = new() { BaseAddress = new Uri(address) };
for (int request = 0; request < 300; request++)
{
    if (!(await client.GetStringAsync(At($"/pages/{request % 100}"))).Contains($"<h1>Page {request % 100}</h1>", StringComparison.Ordinal))
        return Failed("another page came");
}
CompressedCacheStatistics statistics =
    app.Services.GetRequiredKeyedService<CompressedCache>(PageFoldOutputCacheStore.ServiceKey).GetStatistics();
Console.WriteLine($"300 requests for 100 pages: {Volatile.Read(ref made)} were made; {statistics.OriginalBytes:N0} bytes of responses are "
    + $"stored in "
    + $"{statistics.StoredBytes:N0}");
if (Volatile.Read(ref made) != 100)
    return Failed("a page was made twice, or none was");
using HttpResponseMessage deleted = await client.DeleteAsync(At("/pages"));
await client.GetStringAsync(At("/pages/1"));
Console.WriteLine($"after the removal of their tag, one more request: {Volatile.Read(ref made)} were made");
return deleted.IsSuccessStatusCode && Volatile.Read(ref made) == 101
    ? 0 : Failed("the tag was removed, and the page is still there");

static Uri At(string path) => new(path, UriKind.Relative);

static string Page(int id, int number) =>
    $"<html><body><h1>Page {id}</h1><p>made as number {number}</p><ul>"
    + string.Concat(Enumerable.Range(0, 200).Select(item => $"<li class=\"item\">Item {item} of page {id}</li>")) + "</ul></body></html>";

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
