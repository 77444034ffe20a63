using System.IO.Hashing;
using System.Text.Json;

namespace PageFold.Documents;

/// <summary>Documents of one kind: those that a dictionary is trained on, and others that are measured.</summary>
/// <param name="Name">The set's name.</param>
/// <param name="Training">What is trained on.</param>
/// <param name="Measured">What is measured.</param>
internal sealed record DocumentSet(string Name, List<byte[]> Training, List<byte[]> Measured)
{
    /// <summary>The fewest bytes of a document.</summary>
    public const int MinLength = 200;

    /// <summary>The most bytes of a document.</summary>
    public const int MaxLength = 1000;

    /// <summary>Documents that are measured.</summary>
    public const int Count = 20_000;

    // More train hardly better, and take longer.
    private const int TrainingCount = 10_000;

    private const int Seed = 2026;

    /// <summary>Makes documents.</summary>
    public static DocumentSet Generate(string name, Func<GeneratedDocuments, byte[]> make)
    {
        // Different seeds: no document of one is in the other.
        return new DocumentSet(name, Documents(Seed, TrainingCount), Documents(Seed + 1, Count));

        List<byte[]> Documents(int seed, int count)
        {
            GeneratedDocuments generator = new(seed);
            List<byte[]> documents = new(count);
            while (documents.Count < count)
            {
                byte[] document = make(generator);
                if (document.Length is >= MinLength and <= MaxLength)
                    documents.Add(document);
            }
            return documents;
        }
    }

    /// <summary>Takes the objects of 200 to 1,000 bytes from the JSON files of a folder, each once.</summary>
    /// <remarks>
    /// Objects are taken from the outside: of one that is taken nothing inside is taken again. They are written without white space. The
    /// hash of a document decides whether it is trained on or measured.
    /// </remarks>
    public static DocumentSet Read(string folder)
    {
        SortedDictionary<ulong, byte[]> distinct = [];
        EnumerationOptions options = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (string file in Directory.EnumerateFiles(folder, "*.json", options))
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
                Take(json.RootElement, distinct);
            }
            catch (JsonException)
            {
                // Not JSON, whatever its name says.
            }
        }
        // In order of the hashes: which files were read first does not matter.
        List<byte[]> training = [.. distinct.Where(document => document.Key % 2 == 0).Select(document => document.Value)];
        List<byte[]> measured = [.. distinct.Where(document => document.Key % 2 != 0).Select(document => document.Value)];
        return new DocumentSet(folder, training[..Math.Min(TrainingCount, training.Count)], measured[..Math.Min(Count, measured.Count)]);
    }

    private static void Take(JsonElement element, SortedDictionary<ulong, byte[]> distinct)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
                Take(item, distinct);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            byte[] document = JsonSerializer.SerializeToUtf8Bytes(element);
            if (document.Length is >= MinLength and <= MaxLength)
            {
                distinct[XxHash3.HashToUInt64(document)] = document;
                return;
            }
            if (document.Length < MinLength)
                return;
            foreach (JsonProperty property in element.EnumerateObject())
                Take(property.Value, distinct);
        }
    }
}
