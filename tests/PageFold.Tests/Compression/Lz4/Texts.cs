namespace PageFold.Tests.Compression.Lz4;

/// <summary>Texts of different kinds, each told by its key.</summary>
internal static class Texts
{
    private const int Kinds = 8;

    private static readonly string[] Words =
        ["page", "frame", "window", "object", "a", "the", "of", "compaction", "straddles", "is", "checked", "and", "\n    ", "zspage"];

    /// <summary>Keys of texts of every kind.</summary>
    public static Gen<int> Keys { get; } = Gen.Int[0, 1_000_000];

    public static byte[] Make(int length, int key)
    {
        byte[] text = new byte[length];
        Random random = new(key);
        switch (key % Kinds)
        {
            case 0:
                random.NextBytes(text);
                break;
            case 1:
                text.AsSpan().Fill((byte)(key / Kinds % 3));
                break;
            case 2:
                Repeat(text, random, 1 + random.Next(20));
                break;
            case 3:
                Repeat(text, random, 1 + random.Next(5000));
                break;
            case 4:
                Pages.FillCompressible(Room(text, 8), (ulong)key, random.NextDouble());
                break;
            case 5:
                Records(text, random);
                break;
            case 6:
                Speak(text, random);
                break;
            default:
                // Long runs of literals between long matches.
                for (int from = 0; from < length;)
                {
                    int run = Math.Min(length - from, 1 + random.Next(1 << random.Next(1, 12)));
                    random.NextBytes(text.AsSpan(from, run));
                    from += run;
                    int match = Math.Min(length - from, 1 + random.Next(1 << random.Next(1, 12)));
                    for (int i = from, distance = 1 + random.Next(from); i < from + match; i++)
                        text[i] = text[i - distance];
                    from += match;
                }
                break;
        }
        return text;
    }

    private static Span<byte> Room(byte[] text, int least) => text.Length >= least ? text : new byte[least];

    private static void Repeat(byte[] text, Random random, int period)
    {
        byte[] repeated = new byte[period];
        random.NextBytes(repeated);
        int faults = random.Next(6);
        for (int i = 0; i < text.Length; i++)
            text[i] = repeated[i % period];
        for (int i = 0; i < faults; i++)
            text[random.Next(text.Length)]++;
    }

    private static void Records(byte[] text, Random random)
    {
        int size = 4 * (1 + random.Next(12));
        for (int i = 0; i < text.Length; i++)
            text[i] = i % size < 3 || random.Next(9) == 0 ? (byte)random.Next(256) : (byte)(i % size * 17);
    }

    private static void Speak(byte[] text, Random random)
    {
        for (int from = 0; from < text.Length;)
        {
            string word = Words[random.Next(Words.Length)];
            for (int i = 0; i < word.Length && from < text.Length; i++)
                text[from++] = (byte)word[i];
            if (from < text.Length)
                text[from++] = (byte)' ';
        }
    }
}
