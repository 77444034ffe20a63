// A web API with HybridCache over PageFold: products, statistics, health. It asks itself and ends; with an argument it serves until Ctrl-C.
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Caching.Hybrid;
using PageFold.Caching;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddPageFoldCache(options => options.MemoryLimit = 64 << 20);
builder.Services.AddHealthChecks().AddPageFoldCache();
// Ahead of time, HybridCache needs generated serializers of the types that it keeps; an ordinary build does without.
builder.Services.AddKeyedSingleton<JsonSerializerOptions>(typeof(IHybridCacheSerializer<>), Json.Default.Options);
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, Json.Default));
builder.Logging.SetMinimumLevel(LogLevel.Warning);
if (args.Length == 0)
    builder.WebHost.UseUrls("http://127.0.0.1:0");

await using WebApplication app = builder.Build();
int loads = 0;
app.MapGet("/products/{id}", async (int id, HybridCache cache) => await cache.GetOrCreateAsync(
    $"product:{id}",
    async token =>
    {
        await Task.Delay(20, token);
        Interlocked.Increment(ref loads);
        return new Product(id, $"Product {id}", id * 0.25m, Description(id));
    },
    tags: ["products"]));
app.MapDelete("/products", async (HybridCache cache) => await cache.RemoveByTagAsync("products"));
app.MapGet("/stats", (CompressedCache cache) => cache.GetStatistics());
app.MapHealthChecks("/health");
await app.StartAsync();
string address = app.Urls.First();
Console.WriteLine($"serving at {address}: /products/1, /stats, /health");
if (args.Length > 0)
{
    await app.WaitForShutdownAsync();
    return 0;
}

using HttpClient client = new() { BaseAddress = new Uri(address) };
Product?[] products = await Task.WhenAll(Enumerable.Range(0, 100)
    .Select(number => client.GetFromJsonAsync(At($"/products/{number % 4}"), Json.Default.Product)));
Console.WriteLine($"100 requests at once for {products.Distinct().Count()} products: {Volatile.Read(ref loads)} loads");
if (Volatile.Read(ref loads) != 4)
    return Failed("a product was loaded twice, or none was");
using HttpResponseMessage deleted = await client.DeleteAsync(At("/products"));
await client.GetStringAsync(At("/products/1"));
Console.WriteLine($"after the removal of their tag, one more request: {Volatile.Read(ref loads)} loads");
if (!deleted.IsSuccessStatusCode || Volatile.Read(ref loads) != 5)
    return Failed("the tag was removed, and the product is still there");
Console.WriteLine($"/stats: {await client.GetStringAsync(At("/stats"))}");
string health = await client.GetStringAsync(At("/health"));
Console.WriteLine($"/health: {health}");
return health == "Healthy" ? 0 : Failed("the cache is not healthy");

static string Description(int id) =>
    string.Join(' ', Enumerable.Range(1, 20).Select(part => $"Part {part} of product {id} is made of steel."));

static Uri At(string path) => new(path, UriKind.Relative);

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}

internal sealed record Product(int Id, string Name, decimal Price, string Description);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Product))]
[JsonSerializable(typeof(CompressedCacheStatistics))]
internal sealed partial class Json : JsonSerializerContext;
