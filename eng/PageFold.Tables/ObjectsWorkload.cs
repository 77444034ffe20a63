using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace PageFold.Tables;

/// <summary>Fills the memory of a .NET program: strings, documents, and dictionaries of small objects.</summary>
internal static class ObjectsWorkload
{
    private const int MaxFiles = 60;
    private const int MaxOrders = 400_000;

    /// <summary>Fills the memory, says so and waits for the end of standard input.</summary>
    /// <param name="folder">A folder with files of XML: reference assemblies have their documentation beside them.</param>
    public static void Run(string folder)
    {
        Dictionary<string, XElement> members = [];
        Dictionary<string, List<string>> words = new(StringComparer.OrdinalIgnoreCase);
        foreach (string file in Directory.EnumerateFiles(folder, "*.xml", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Take(MaxFiles))
        {
            foreach (XElement member in XDocument.Load(file).Descendants("member"))
            {
                string name = (string?)member.Attribute("name") ?? string.Empty;
                members[name] = member;
                const StringSplitOptions Words = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
                foreach (string word in member.Value.Split(' ', Words).Take(8))
                {
                    if (!words.TryGetValue(word, out List<string>? places))
                        words[word] = places = [];
                    places.Add(name);
                }
            }
        }
        string[] names = [.. members.Keys.DefaultIfEmpty("name")];
        Dictionary<int, Order> orders = [];
        List<JsonNode> documents = [];
        for (int i = 0; i < MaxOrders; i++)
        {
            string name = names[(int)(i * 2654435761L % names.Length)];
            orders[i] = new Order(i, name, i % 97, DateTime.UnixEpoch.AddSeconds(i * 37L), i * 1.25m, i % 5 == 0 ? [name, "express"] : []);
            if (i % 20 == 0)
                documents.Add(new JsonObject { ["id"] = i, ["name"] = name, ["count"] = i % 97, ["tags"] = new JsonArray("new", "paid") });
        }
        Console.WriteLine("ready");
        Console.In.ReadToEnd();
        GC.KeepAlive((members, words, orders, documents));
    }

    private sealed record Order(int Id, string Name, int Count, DateTime Time, decimal Price, string[] Tags);
}
