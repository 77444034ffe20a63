using PageFold.Compression.Fold;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Packed texts that are put together field by field, as docs/codec.md specifies them.</summary>
internal static class FoldStream
{
    /// <summary>Writes a header; returns its bytes.</summary>
    /// <param name="target">Receives it.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="code">The code of the literals; zero for literals as they are, which have no further fields.</param>
    /// <param name="tokens">The number of tokens.</param>
    /// <param name="literals">The number of coded literals.</param>
    /// <param name="regions">The lengths of the literals' regions but the first.</param>
    /// <param name="tokenCode">The code of the tokens; zero for tokens as they are.</param>
    /// <param name="tokenRegions">The lengths of the tokens' regions.</param>
    public static unsafe int WriteHeader(Span<byte> target, int length, int code, int tokens, int literals, ReadOnlySpan<int> regions,
        int tokenCode = 0, ReadOnlySpan<int> tokenRegions = default)
    {
        FoldHeader header = new(length);
        header.Tokens.Count = tokens & header.MaxTokens;
        header.Literals.Count = (literals - 1 & (header.MaxTokens << 1 | 1)) + 1;
        for (int segment = 0; segment < SymbolBlock.MaxSegments; segment++)
        {
            header.Literals.Codes[segment] = (byte)code;
            header.Tokens.Codes[segment] = (byte)tokenCode;
        }
        for (int region = 0; region < SymbolBlock.MaxRegions; region++)
        {
            header.Literals.Regions[region] = region > 0 && region <= regions.Length ? regions[region - 1] & (header.MaxTokens << 1 | 1) : 0;
            header.Tokens.Regions[region] = region < tokenRegions.Length ? tokenRegions[region] & (header.MaxTokens << 1 | 1) : 0;
        }
        fixed (byte* to = target)
            header.Write(to);
        return header.Bytes;
    }

    /// <summary>Makes a stream whose header is plausible and whose rest is noise.</summary>
    public static int Craft(Span<byte> target, int length, ref Dice dice)
    {
        bool isCoded = dice.Below(4) != 0;
        bool areTokensCoded = dice.Below(3) == 0;
        int tokens = dice.Below(3) == 0 ? 0 : dice.Below(1 + Math.Min(length / 3, 1 << dice.Below(8)));
        // Without matches a text is its literals; otherwise it has a few less.
        int literals = Math.Max(1, tokens == 0 ? length : length - dice.Below(1 + Math.Min(length, 40 * tokens)));
        int rest = tokens + dice.Below(1 + Math.Min(dice.Below(3) == 0 ? 40 : length, target.Length - 2 * FoldHeader.MaxBytes - tokens));
        Span<int> regions = stackalloc int[3];
        foreach (ref int region in regions)
            region = dice.Below(1 + Math.Max(0, rest - tokens) / (1 + dice.Below(5)));
        Span<int> tokenRegions = stackalloc int[4];
        foreach (ref int region in tokenRegions)
            region = dice.Below(1 + tokens / (1 + dice.Below(5)));
        int bytes = WriteHeader(target, length, isCoded ? 1 + dice.Below(PrefixTables.Max) : 0, tokens, literals, regions,
            areTokensCoded ? 1 + dice.Below(PrefixTables.Max) : 0, tokenRegions);
        byte fill = (byte)dice.Next();
        bool isNoise = dice.Below(3) != 0;
        foreach (ref byte value in target.Slice(bytes, Math.Min(rest, target.Length - bytes)))
            value = isNoise ? (byte)dice.Next() : fill;
        return Math.Min(bytes + rest, target.Length);
    }
}
