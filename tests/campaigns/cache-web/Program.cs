// What `dotnet new web` makes, with HybridCache over PageFold and a page that fills it with keys that never come again.
using System.Text;
using Microsoft.Extensions.Caching.Hybrid;
using PageFold.Caching;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddPageFoldCache(builder.Configuration.GetSection("Cache"));
var app = builder.Build();
app.MapGet("/fill/{from:int}/{count:int}", async (int from, int count, HybridCache cache) =>
{
    for (int id = from; id < from + count; id++)
    {
        string text = await cache.GetOrCreateAsync($"article:{id}", id, static (id, _) => ValueTask.FromResult(Articles.Text(id)));
        if (text != Articles.Text(id))
            return $"article {id} is another";
    }
    return "filled";
});
app.MapGet("/used", (CompressedCache cache) => $"{cache.GetStatistics().UsedBytes} {cache.Count}");
app.Run();

internal static class Articles
{
    private static readonly string[] s_words =
        "part product steel made description available price stock order delivery customer address street city number today".Split(' ');

    /// <summary>Makes a text of 1,000 characters that is the same whenever it is asked for.</summary>
    public static string Text(int id)
    {
        Random random = new(id);
        StringBuilder text = new(1024);
        while (text.Length < 1000)
            text.Append(s_words[random.Next(s_words.Length)]).Append(' ').Append(random.Next(10_000)).Append(' ');
        return text.ToString(0, 1000);
    }
}
