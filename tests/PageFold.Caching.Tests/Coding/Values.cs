using System.Globalization;
using System.Text;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Values to encode.</summary>
internal static class Values
{
    private static readonly string[] Words =
        ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima"];

    // A training takes a second, so the tests share its tables.
    private static readonly Lazy<byte[]> Orders = new(() => Train(Order));
    private static readonly Lazy<byte[]> Pages = new(() => Train(Page));

    /// <summary>Tables that were trained on <see cref="Order"/>.</summary>
    public static byte[] OrderTables => Orders.Value;

    /// <summary>Tables that were trained on <see cref="Page"/>.</summary>
    public static byte[] PageTables => Pages.Value;

    private static readonly int[] Edges = [15, 16, 4095, 4096, 4097, 65535, 65536];

    /// <summary>The contents that tests of all contents go through.</summary>
    public static Gen<byte[]> Any { get; } = Gen.Select(Gen.Int[0, 5], Gen.Int, Gen.Frequency(
        (4, Gen.Int[0, 100]), (8, Gen.Int[101, 5000]), (1, Gen.Int[5001, 65536]), (1, Gen.Int[0, Edges.Length - 1].Select(i => Edges[i]))))
        .Select((kind, seed, length) => Make(kind, seed, length));

    /// <summary>Makes an order: JSON of some hundred bytes.</summary>
    public static byte[] Order(int seed)
    {
        Random random = new(seed);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"orderId\":{random.Next()},\"customer\":{{\"name\":\"{Word(random)} {Word(random)}\",\"number\":{random.Next(100_000)}}},"
                + $"\"currency\":\"EUR\",\"items\":[{{\"article\":\"{Word(random)}\",\"quantity\":{random.Next(9)},"
                + $"\"unitPrice\":{random.Next(9999)}}}],"
                + $"\"shipping\":{{\"method\":\"standard\",\"address\":null,\"note\":\"{Word(random)}\"}},\"status\":\"delivered\"}}"));
    }

    /// <summary>Makes a fragment of HTML, which has nothing in common with an order.</summary>
    public static byte[] Page(int seed)
    {
        Random random = new(seed);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"<section class='product-teaser grid'><h2 id='t{random.Next()}'>{Word(random)}</h2><p>Hersteller: <b>{Word(random)}</b></p>"
                + $"<ul class='facts'><li>Gewicht {random.Next(999)} g</li><li>Farbe {Word(random)}</li></ul>"
                + $"<a href='/warenkorb/hinzu/{random.Next()}' rel='nofollow'>In den Warenkorb</a></section>"));
    }

    /// <summary>Bytes that do not compress.</summary>
    public static byte[] Noise(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Make(int kind, int seed, int length)
    {
        switch (kind)
        {
            case 0:
                return Noise(seed, length);
            case 1:
                byte[] same = new byte[length];
                same.AsSpan().Fill((byte)seed);
                return same;
            case 2:
                return [.. Noise(seed, length / 2), .. new byte[length - length / 2]];
            default:
                List<byte> bytes = [];
                for (int i = 0; bytes.Count < length; i++)
                    bytes.AddRange(kind == 3 ? Page(seed + i) : Order(seed + i));
                return [.. bytes[..length]];
        }
    }

    private static string Word(Random random) => Words[random.Next(Words.Length)];

    private static byte[] Train(Func<int, byte[]> make)
    {
        List<byte[]> samples = [.. Enumerable.Range(0, 200).Select(make)];
        FoldTraining training = PageCodec.TrainFold(
            [.. samples.SelectMany(sample => sample)], [.. samples.Select(sample => sample.Length)], new() { DictionaryBytes = 4096 });
        return training.Tables.ToArray();
    }
}
