using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Texts of the kinds that pages have, each told by its kind and a key, the same on every machine.</summary>
internal static class Contents
{
    private const string Vocabulary = "the page store keeps more data in less memory each frame belongs to one zspage "
        + "null true false 0x7f3a "
        + "return if else public static readonly int count = 0 ; { } (key, value) name id type status"
        + " error http://example.org/ 2026-11-30";

    private static readonly string[] Words = Vocabulary.Split(' ');

    /// <summary>The kinds; see <see cref="Fill"/>.</summary>
    public static readonly string[] Kinds =
        ["random", "zeros", "period", "text", "records", "mixture", "dictionary", "skewed", "far matches", "pointers"];

    /// <summary>Fills a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kind">An index of <see cref="Kinds"/>.</param>
    /// <param name="key">Which text of the kind.</param>
    /// <param name="dictionary">Of what the kind "dictionary" has copies.</param>
    public static void Fill(Span<byte> text, int kind, ulong key, ReadOnlySpan<byte> dictionary)
    {
        Dice dice = new(key * 31 + (ulong)kind);
        switch (Kinds[kind])
        {
            case "random":
                Random(text, dice);
                break;
            case "zeros":
                text.Clear();
                break;
            case "period":
                Period(text, 1 + (int)(key % 40), dice);
                break;
            case "text":
                Prose(text, dice);
                break;
            case "records":
                Records(text, dice);
                break;
            case "mixture":
                Mixture(text, dice, dictionary);
                break;
            case "dictionary":
                Copies(text, dice, dictionary);
                break;
            case "skewed":
                Skewed(text, dice);
                break;
            case "far matches":
                FarMatches(text, dice);
                break;
            default:
                Pointers(text, dice);
                break;
        }
    }

    private static void Random(Span<byte> text, Dice dice)
    {
        foreach (ref byte value in text)
            value = (byte)dice.Next();
    }

    private static void Period(Span<byte> text, int period, Dice dice)
    {
        for (int i = 0; i < text.Length; i++)
            text[i] = i < period ? (byte)dice.Next() : text[i - period];
        // Now and then a byte that does not belong.
        for (int i = dice.Below(400); i < text.Length; i += 100 + dice.Below(1000))
            text[i]++;
    }

    private static void Prose(Span<byte> text, Dice dice)
    {
        for (int at = 0; at < text.Length;)
        {
            byte[] word = Encoding.ASCII.GetBytes(Words[dice.Below(Words.Length)] + (dice.Below(9) == 0 ? "\n" : " "));
            int length = Math.Min(word.Length, text.Length - at);
            word.AsSpan(0, length).CopyTo(text[at..]);
            at += length;
        }
    }

    private static void Records(Span<byte> text, Dice dice)
    {
        int stride = 8 * (1 + dice.Below(8));
        Span<byte> word = stackalloc byte[8];
        for (int at = 0; at < text.Length; at += 8)
        {
            // A counter, a constant, a small number or noise, the same kind in each record's field.
            ulong value = (at % stride / 8) switch
            {
                0 => (ulong)(at / stride),
                1 or 4 => 0x0000_7F3A_0000_1000,
                2 or 5 => (ulong)dice.Below(300),
                _ => dice.Below(3) == 0 ? dice.Next() : 0,
            };
            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            word[..Math.Min(8, text.Length - at)].CopyTo(text[at..]);
        }
    }

    private static void Mixture(Span<byte> text, Dice dice, ReadOnlySpan<byte> dictionary)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = Math.Min(1 + dice.Below(1 << dice.Below(13)), text.Length - at);
            int kind = dice.Below(Kinds.Length);
            if (Kinds[kind] == "mixture")
                text.Slice(dice.Below(at + 1), Math.Min(length, at / 2)).CopyTo(text[at..]);
            else
                Fill(text.Slice(at, length), kind, dice.Next(), dictionary);
            at += length;
        }
    }

    private static void Copies(Span<byte> text, Dice dice, ReadOnlySpan<byte> dictionary)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = Math.Min(1 + dice.Below(200), text.Length - at);
            Span<byte> part = text.Slice(at, length);
            if (dice.Below(4) == 0 || dictionary.IsEmpty)
            {
                Random(part, new Dice(dice.Next()));
            }
            else
            {
                int from = dice.Below(dictionary.Length);
                int copied = Math.Min(length, dictionary.Length - from);
                dictionary.Slice(from, copied).CopyTo(part);
                part[copied..].Fill(7);
            }
            at += length;
        }
    }

    /// <summary>Hardly any matches, and values of which some are far more frequent than others: so literals are coded.</summary>
    private static void Skewed(Span<byte> text, Dice dice)
    {
        int bits = 2 + dice.Below(5);
        foreach (ref byte value in text)
            value = dice.Below(5) == 0 ? (byte)dice.Next() : (byte)(0x60 + dice.Below(1 << bits));
    }

    private static void FarMatches(Span<byte> text, Dice dice)
    {
        int half = text.Length / 2;
        Random(text[..half], dice);
        text[..half].CopyTo(text[half..]);
        Random(text[(2 * half)..], dice);
        for (int at = half + dice.Below(60); at < text.Length; at += 20 + dice.Below(3000))
            text[at] ^= 1;
    }

    private static void Pointers(Span<byte> text, Dice dice)
    {
        ulong[] heaps = [0x0000_7F12_3400_0000, 0x0000_5500_0000_0000 + (ulong)dice.Below(1 << 20) * 4096];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(text);
        foreach (ref ulong word in words)
            word = dice.Below(3) == 0 ? (ulong)dice.Below(64) : heaps[dice.Below(2)] + (ulong)dice.Below(1 << 16) * 8;
        Random(text[(8 * words.Length)..], dice);
    }
}

/// <summary>A small random number generator that allocates nothing.</summary>
internal struct Dice(ulong seed)
{
    private ulong _state = (seed + 1) * 0x9E3779B97F4A7C15 | 1;

    public ulong Next()
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return _state * 0x2545F4914F6CDD1D >> 8;
    }

    /// <summary>A number from zero to less than a bound.</summary>
    public int Below(int bound) => (int)((uint)(Next() >> 16) * (ulong)(uint)bound >> 32);
}
