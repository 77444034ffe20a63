using System.Text;

namespace PageFold.Tests.Compression.Fold.Training;

/// <summary>Samples to train on, the same on every machine.</summary>
internal static class TrainingSamples
{
    /// <summary>Texts of all kinds of <see cref="Contents"/> and of different lengths.</summary>
    public static List<ReadOnlyMemory<byte>> Mixed(int count, int maxLength, int seed = 1)
    {
        Random random = new(seed);
        byte[] shared = new byte[2000];
        Contents.Fill(shared, Array.IndexOf(Contents.Kinds, "text"), 77, default);
        List<ReadOnlyMemory<byte>> texts = [];
        for (int i = 0; i < count; i++)
        {
            byte[] text = new byte[i % 3 == 0 ? maxLength : random.Next(1, maxLength + 1)];
            Contents.Fill(text, i % Contents.Kinds.Length, (ulong)i, shared);
            texts.Add(text);
        }
        return texts;
    }

    /// <summary>Documents of some hundred bytes with the same names and few different values.</summary>
    public static List<ReadOnlyMemory<byte>> Documents(int count, int seed = 1)
    {
        Random random = new(seed);
        string[] cities = ["Berlin", "Lisbon", "Nairobi", "Osaka", "Quito", "Tromsø"];
        string[] states = ["pending", "paid", "shipped", "delivered", "cancelled"];
        List<ReadOnlyMemory<byte>> documents = [];
        for (int i = 0; i < count; i++)
        {
            documents.Add(Encoding.UTF8.GetBytes(
                $$"""
                {"id":{{random.Next()}},"status":"{{Any(states)}}",
                "customer":{"number":{{random.Next(100_000)}},"city":"{{Any(cities)}}",
                "address":null,"newsletter":{{(random.Next(2) == 0 ? "true" : "false")}}},
                "items":[{"sku":"SKU-{{random.Next(10_000)}}",
                "quantity":{{random.Next(1, 9)}},"unitPrice":{{random.Next(10_000) / 100.0:F2}},"currency":"EUR"}],"notes":"leave at the door"}
                """));
        }
        return documents;

        string Any(string[] values) => values[random.Next(values.Length)];
    }

    /// <summary>Random bytes: nothing in common, nothing to gain.</summary>
    public static List<ReadOnlyMemory<byte>> Noise(int count, int length)
    {
        Random random = new(9);
        List<ReadOnlyMemory<byte>> texts = [];
        for (int i = 0; i < count; i++)
        {
            byte[] text = new byte[length];
            random.NextBytes(text);
            texts.Add(text);
        }
        return texts;
    }

    /// <summary>Returns the bytes of all texts with a codec; each comes back as it was.</summary>
    public static long Bytes(PageCodec codec, IReadOnlyList<ReadOnlyMemory<byte>> texts, int maxLength)
    {
        using PageCodecContext context = codec.CreateContext(maxLength);
        byte[] packed = new byte[codec.MaxCompressedLength(maxLength)];
        byte[] back = new byte[maxLength];
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> text in texts)
        {
            Assert.True(context.TryCompress(text.Span, packed, out int written));
            Assert.True(context.TryDecompress(packed.AsSpan(0, written), back.AsSpan(0, text.Length)));
            Assert.True(back.AsSpan(0, text.Length).SequenceEqual(text.Span));
            bytes += written;
        }
        return bytes;
    }
}
