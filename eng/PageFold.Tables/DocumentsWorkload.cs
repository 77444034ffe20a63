using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;

namespace PageFold.Tables;

/// <summary>Fills the memory of a .NET program as a cache does: documents in UTF-8, log lines, numbers in lines, markup.</summary>
internal sealed class DocumentsWorkload
{
    private const int MaxFiles = 12;
    private const int MaxWords = 40_000;
    private const int Documents = 160_000;

    private static readonly string[] Countries = ["Denmark", "France", "Japan", "Kenya", "Norway", "Peru", "Portugal", "Vietnam"];
    private static readonly string[] States = ["new", "paid", "packed", "shipped", "returned", "cancelled"];

    private readonly Random _random = new(11);
    private readonly string[] _words;

    private DocumentsWorkload(string[] words) => _words = words;

    /// <summary>Fills the memory, says so and waits for the end of standard input.</summary>
    /// <param name="folder">A folder with files of XML, whose texts give the words.</param>
    public static void Run(string folder)
    {
        const StringSplitOptions Words = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        string[] words =
        [
            .. Directory.EnumerateFiles(folder, "*.xml", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(MaxFiles)
                .SelectMany(file => XDocument.Load(file).Descendants("member"))
                .SelectMany(member => member.Value.Split([' ', '\n', '\r'], Words)).Take(MaxWords).DefaultIfEmpty("word"),
        ];
        DocumentsWorkload workload = new(words);
        Dictionary<string, byte[]> documents = [];
        for (int i = 0; i < Documents; i++)
            documents[$"{i % 6}:{i}"] = workload.Make(i);
        Console.WriteLine("ready");
        Console.In.ReadToEnd();
        GC.KeepAlive(documents);
    }

    private byte[] Make(int number) => (number % 6) switch
    {
        0 => JsonSerializer.SerializeToUtf8Bytes(new
        {
            id = Guid.NewGuid(),
            customer = Name(),
            mail = $"{Name().ToLowerInvariant()}@{Word().ToLowerInvariant()}.example",
            country = Pick(Countries),
            created = Time(),
            state = Pick(States),
            items = Enumerable.Range(0, _random.Next(1, 6)).Select(_ => new
            {
                sku = $"{_random.NextInt64(1L << 40):x10}",
                name = Text(3),
                price = Price(),
                count = _random.Next(1, 9),
            }),
        }),
        1 => JsonSerializer.SerializeToUtf8Bytes(new
        {
            session = Convert.ToHexStringLower(Bytes(16)),
            token = Convert.ToBase64String(Bytes(_random.Next(24, 96))),
            user_id = _random.Next(10_000_000),
            expires = 1_700_000_000L + _random.Next(100_000_000),
            roles = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Word()),
            remember = _random.Next(2) == 0,
        }),
        2 => Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 8).Select(_ => LogLine()))),
        3 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 12).Select(_ => string.Create(CultureInfo.InvariantCulture,
            $"{_random.Next(100_000)},{Time():O},{_random.NextDouble() * 200 - 90:F6},{_random.NextDouble():F4},{Pick(States)}\n")))),
        4 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, _random.Next(2, 8)).Select(_ =>
            $"<li class=\"{Word()}\"><a href=\"/{Word()}/{_random.Next(100_000)}\">{Text(4)}</a><p>{Text(12)}</p></li>\n"))),
        _ => Record(),
    };

    private string LogLine()
    {
        string severity = _random.Next(9) == 0 ? "WARN" : "INFO";
        string said = $"{Word()}.{Word()}: {Text(5)}";
        string address = $"{_random.Next(256)}.{_random.Next(256)}.{_random.Next(256)}.{_random.Next(256)}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{Time():yyyy-MM-dd HH:mm:ss.fff} [{_random.Next(64)}] {severity} {said} in {_random.Next(5000)} ms, {address}");
    }

    // Tags, numbers of seven bits a byte and texts with their lengths, as binary formats have them.
    private byte[] Record()
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream, Encoding.UTF8);
        for (int field = 1; field < 16; field++)
        {
            writer.Write((byte)(field << 3 | field % 3));
            if (field % 3 == 0)
                writer.Write7BitEncodedInt(_random.Next(1 << _random.Next(1, 30)));
            else if (field % 3 == 1)
                writer.Write(_random.NextDouble() * 1000);
            else
                writer.Write(Text(_random.Next(1, 6)));
        }
        writer.Flush();
        return stream.ToArray();
    }

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private decimal Price() => _random.Next(50_000) / 100m;

    private DateTime Time() => DateTime.UnixEpoch.AddMilliseconds(1.7e12 + _random.NextInt64(100_000_000_000));

    private string Name() => $"{Word()}{_random.Next(10_000)}";

    private string Text(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => Word()));

    private string Word() => Pick(_words);

    private T Pick<T>(T[] of) => of[_random.Next(of.Length)];
}
