using PageFold.Compression.Fold;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Packed texts that are put together field by field, as docs/codec.md specifies them.</summary>
internal static class FoldStream
{
    /// <summary>Writes a header; returns its bytes.</summary>
    /// <param name="target">Receives it.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="table">The literal table plus one; zero for literals as they are, which has no further fields.</param>
    /// <param name="tokens">The number of tokens.</param>
    /// <param name="literals">The number of coded literals.</param>
    /// <param name="regions">The lengths of the regions but the first.</param>
    public static int WriteHeader(Span<byte> target, int length, int table, int tokens, int literals, ReadOnlySpan<int> regions)
    {
        FoldHeader header = new(length);
        UInt128 bits = (uint)table;
        int shift = FoldHeader.TableBits;
        Put(tokens, header.TokenBits);
        if (table != 0)
        {
            Put(literals - 1, header.LiteralBits);
            for (int i = 0; i < FoldHeader.Regions(literals) - 1; i++)
                Put(regions[i], header.TokenBits);
        }
        int bytes = (shift + 7) / 8;
        for (int i = 0; i < bytes; i++)
            target[i] = (byte)(bits >> 8 * i);
        return bytes;

        void Put(int value, int width)
        {
            bits |= (UInt128)(uint)(value & (1 << width) - 1) << shift;
            shift += width;
        }
    }

    /// <summary>Makes a stream whose header is plausible and whose rest is noise.</summary>
    public static int Craft(Span<byte> target, int length, ref Dice dice)
    {
        bool isCoded = dice.Below(4) != 0;
        int tokens = dice.Below(3) == 0 ? 0 : dice.Below(1 + Math.Min(length / 3, 1 << dice.Below(8)));
        // Without matches a text is its literals; otherwise it has a few less.
        int literals = Math.Max(1, tokens == 0 ? length : length - dice.Below(1 + Math.Min(length, 40 * tokens)));
        int rest = tokens + dice.Below(1 + Math.Min(dice.Below(3) == 0 ? 40 : length, target.Length - 2 * FoldHeader.MaxBytes - tokens));
        Span<int> regions = stackalloc int[3];
        foreach (ref int region in regions)
            region = dice.Below(1 + Math.Max(0, rest - tokens) / (1 + dice.Below(5)));
        int bytes = WriteHeader(target, length, isCoded ? 1 + dice.Below(16) : 0, tokens, literals, regions);
        byte fill = (byte)dice.Next();
        bool isNoise = dice.Below(3) != 0;
        foreach (ref byte value in target.Slice(bytes, rest))
            value = isNoise ? (byte)dice.Next() : fill;
        return bytes + rest;
    }
}
