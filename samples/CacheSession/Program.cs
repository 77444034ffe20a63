// Session state in a PageFold cache, which is the application's IDistributedCache. It asks itself and ends; with an argument it serves
// until Ctrl-C.
using System.Globalization;
using Microsoft.AspNetCore.DataProtection;
using PageFold.Caching;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddPageFoldCache(options => options.MemoryLimit = 64 << 20);
builder.Services.AddSession(options => options.IdleTimeout = TimeSpan.FromMinutes(20));
builder.Logging.SetMinimumLevel(LogLevel.Warning);
if (args.Length == 0)
{
    builder.WebHost.UseUrls("http://127.0.0.1:0");
    // The keys of the cookies end with the process, instead of staying in a file.
    builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
}

await using WebApplication app = builder.Build();
app.UseSession();
app.MapGet("/", context =>
{
    int visits = (context.Session.GetInt32("visits") ?? 0) + 1;
    context.Session.SetInt32("visits", visits);
    return context.Response.WriteAsync(visits.ToString(CultureInfo.InvariantCulture));
});
await app.StartAsync();
Uri address = new(app.Urls.First());
Console.WriteLine($"serving at {address}");
if (args.Length > 0)
{
    await app.WaitForShutdownAsync();
    return 0;
}

using HttpClient ada = new();
using HttpClient bob = new();
string[] visits = [await ada.GetStringAsync(address), await ada.GetStringAsync(address), await bob.GetStringAsync(address)];
long sessions = app.Services.GetRequiredService<CompressedCache>().Count;
Console.WriteLine($"the visits that each sees: {string.Join(", ", visits)}; sessions in the cache: {sessions}");
if (visits is ["1", "2", "1"] && sessions == 2)
    return 0;
await Console.Error.WriteLineAsync("FAILED: a session was lost, or two were mixed");
return 1;
