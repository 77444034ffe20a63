using System.Numerics;
using PageFold.Compression.Fold;

namespace PageFold.Tests.Compression.Fold;

/// <summary>The fields of a packed text's header, which a test sets one by one.</summary>
internal ref struct FoldStream
{
    /// <summary>The code of all literals; zero for literals as they are.</summary>
    public int PrefixCode;

    /// <summary>The code of all tokens; zero for tokens as they are.</summary>
    public int TokenCode;

    /// <summary>The number of tokens.</summary>
    public int Tokens;

    /// <summary>The number of coded literals.</summary>
    public int Literals;

    /// <summary>The lengths of the literals' regions; the first one is not written.</summary>
    public ReadOnlySpan<int> LiteralRegions;

    /// <summary>The lengths of the tokens' regions.</summary>
    public ReadOnlySpan<int> TokenRegions;

    /// <summary>Writes the header for a text of a length; returns its bytes.</summary>
    public readonly int WriteHeader(Span<byte> target, int length)
    {
        int countBits = 32 - BitOperations.LeadingZeroCount((uint)length - 1);
        Bits bits = new(target);
        bits.Put(PrefixCode, 4);
        bits.Put(TokenCode, 4);
        bits.Put(Tokens, Math.Max(0, countBits - 1));
        if (PrefixCode != 0)
        {
            bits.Put(Literals - 1, countBits);
            Put(ref bits, LiteralRegions, 1, Literals, countBits, PrefixCode);
        }
        if (TokenCode != 0)
            Put(ref bits, TokenRegions, 0, Tokens, countBits, TokenCode);
        return bits.Bytes;
    }

    /// <summary>Makes a stream whose header is plausible and whose rest is noise.</summary>
    public static int Craft(Span<byte> target, int length, ref Dice dice)
    {
        int tokens = dice.Below(3) == 0 ? 0 : dice.Below(1 + Math.Min(length / 3, 1 << dice.Below(8)));
        // Without matches a text is its literals; otherwise it has a few less.
        int literals = Math.Max(1, tokens == 0 ? length : length - dice.Below(1 + Math.Min(length, 40 * tokens)));
        int rest = tokens + dice.Below(1 + (dice.Below(3) == 0 ? 40 : length));
        Span<int> regions = stackalloc int[8];
        foreach (ref int region in regions)
            region = dice.Below(1 + rest / (1 + dice.Below(8)));
        FoldStream stream = new()
        {
            PrefixCode = dice.Below(4) == 0 ? 0 : 1 + dice.Below(15),
            TokenCode = dice.Below(2) == 0 ? 0 : 1 + dice.Below(15),
            Tokens = tokens,
            Literals = literals,
            LiteralRegions = regions[..4],
            TokenRegions = regions[4..],
        };
        int bytes = stream.WriteHeader(target, length);
        rest = Math.Min(rest, target.Length - bytes);
        byte fill = (byte)dice.Next();
        bool isNoise = dice.Below(3) != 0;
        foreach (ref byte value in target.Slice(bytes, rest))
            value = isNoise ? (byte)dice.Next() : fill;
        return bytes + rest;
    }

    private static void Put(ref Bits bits, ReadOnlySpan<int> regions, int first, int count, int countBits, int code)
    {
        int number = count < SymbolBlock.MaxSingle ? 1 : count < 160 ? 2 : 4;
        for (int region = first; region < number; region++)
            bits.Put(regions[region], countBits);
        for (int segment = SymbolBlock.SegmentLength; segment < count; segment += SymbolBlock.SegmentLength)
            bits.Put(code, 4);
    }

    private ref struct Bits(Span<byte> target)
    {
        private readonly Span<byte> _target = target;
        private int _count;

        public readonly int Bytes => (_count + 7) / 8;

        public void Put(int value, int width)
        {
            for (int i = 0; i < width; i++, _count++)
            {
                byte bit = (byte)(1 << _count % 8);
                ref byte at = ref _target[_count / 8];
                at = (byte)((value >> i & 1) != 0 ? at | bit : at & ~bit);
            }
        }
    }
}
