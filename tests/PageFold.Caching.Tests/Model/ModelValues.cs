using System.Runtime.InteropServices;

namespace PageFold.Caching.Tests.Model;

/// <summary>Values that are told by a seed: their length, how well they compress, each of their bytes.</summary>
internal static class ModelValues
{
    private static readonly byte[] Text = MakeText();

    /// <summary>A length as caches have them: most are short.</summary>
    public static int NextLength(Random random, int largest) => random.Next(100) switch
    {
        < 3 => random.Next(3),
        < 60 => random.Next(400),
        < 90 => 400 + random.Next(2000),
        < 94 => 3900 + random.Next(400),
        < 99 => random.Next(20 << 10),
        _ => random.Next(8) == 0 ? random.Next(largest) : random.Next(100 << 10),
    };

    public static void Fill(Span<byte> value, ulong seed)
    {
        ulong state = (seed + 1) * 0x9E3779B97F4A7C15;
        if (seed % 4 == 0)
        {
            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(value);
            foreach (ref ulong word in words)
                word = Next(ref state);
            foreach (ref byte last in value[(words.Length * sizeof(ulong))..])
                last = (byte)Next(ref state);
            return;
        }
        // Text with numbers in it, as documents have.
        for (int at = 0; at < value.Length;)
        {
            ulong random = Next(ref state);
            int length = Math.Min(value.Length - at, 8 + (int)(random & 63));
            Text.AsSpan((int)(random >> 32) & 0xFFF, length).CopyTo(value[at..]);
            value[at] = (byte)random;
            at += length;
        }
    }

    private static byte[] MakeText()
    {
        byte[] text = new byte[0x1000 + 128];
        ReadOnlySpan<byte> words =
            "{\"name\":\"value\",\"created\":\"2026-01-01T00:00:00Z\",\"price\":17.50,\"stock\":[1,2,3],\"title\":\"A thing\"}"u8;
        Random random = new(1);
        for (int i = 0; i < text.Length; i++)
            text[i] = words[(i + random.Next(32) / 31) % words.Length];
        return text;
    }

    private static ulong Next(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
}
