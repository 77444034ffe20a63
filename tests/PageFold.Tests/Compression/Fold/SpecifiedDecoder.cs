using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Tests.Compression.Fold;

/// <summary>
/// A decoder of the fold format that follows docs/codec.md sentence by sentence, bit by bit, and shares no code with the library's.
/// </summary>
internal sealed class SpecifiedDecoder
{
    private const int BoxCount = 256;
    private const int Segment = 1015;

    private readonly SpecifiedBox[] _boxes = new SpecifiedBox[BoxCount];
    private readonly List<Dictionary<(int Length, int Code), byte>> _literalCodes = [];
    private readonly List<Dictionary<(int Length, int Code), byte>> _tokenCodes = [];
    private readonly byte[] _dictionary;

    /// <summary>Reads a file of tables.</summary>
    public SpecifiedDecoder(ReadOnlySpan<byte> file)
    {
        Require(file[..4].SequenceEqual("PFT1"u8), "the file begins with PFT1");
        int literalCodes = BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        int tokenCodes = BinaryPrimitives.ReadUInt16LittleEndian(file[10..]);
        int dictionary = BinaryPrimitives.ReadInt32LittleEndian(file[12..]);
        Require(literalCodes <= 15 && tokenCodes <= 15 && dictionary is >= 0 and <= 65536, "the numbers are in range");
        Require(file.Length == 16 + 9 * BoxCount + 128 * (literalCodes + tokenCodes) + dictionary + 8, "the length follows from them");
        Require(
            XxHash3.HashToUInt64(file[..^8]) == BinaryPrimitives.ReadUInt64LittleEndian(file[^8..]), "the file ends with its identity");
        for (int token = 0; token < BoxCount; token++)
            _boxes[token] = new SpecifiedBox(file.Slice(16 + 9 * token, 9));
        for (int code = 0; code < literalCodes + tokenCodes; code++)
            (code < literalCodes ? _literalCodes : _tokenCodes).Add(Codes(file.Slice(16 + 9 * BoxCount + 128 * code, 128)));
        _dictionary = file[^(8 + dictionary)..^8].ToArray();
    }

    /// <summary>Decodes a text of a length; null if the bytes are to be refused.</summary>
    public byte[]? Decode(byte[] packed, int length)
    {
        int literalBits = 0;
        while (1 << literalBits < length)
            literalBits++;
        int tokenBits = Math.Max(0, literalBits - 1);
        if (packed.Length == 0 || packed.Length > length + 72)
            return null;
        Bits header = new(packed, 0, 1);
        List<int> ofLiterals = [header.Take(4)];
        List<int> ofTokens = [header.Take(4)];
        int tokens = header.Take(tokenBits);
        int literals = 0;
        int[] literalRegions = [];
        if (ofLiterals[0] != 0)
        {
            literals = header.Take(literalBits) + 1;
            literalRegions = [.. Enumerable.Range(0, Regions(literals) - 1).Select(_ => header.Take(literalBits))];
            ofLiterals.AddRange(Enumerable.Range(0, (literals - 1) / Segment).Select(_ => header.Take(4)));
        }
        int[] tokenRegions = [];
        if (ofTokens[0] != 0)
        {
            tokenRegions = [.. Enumerable.Range(0, Regions(tokens)).Select(_ => header.Take(literalBits))];
            ofTokens.AddRange(Enumerable.Range(0, Math.Max(0, tokens - 1) / Segment).Select(_ => header.Take(4)));
        }
        int at = (int)((header.Taken + 7) / 8);
        int rest = at + (ofTokens[0] == 0 ? tokens : tokenRegions.Sum());
        int bitsEnd = packed.Length - literalRegions.Sum();
        if (literals > length || rest > bitsEnd)
            return null;
        byte[]? tokenBytes = ofTokens[0] == 0
            ? packed[at..rest]
            : Symbols(packed, at, at + tokenRegions[0], tokenRegions[1..], tokens, ofTokens, _tokenCodes);
        byte[]? literalBytes = ofLiterals[0] == 0
            ? packed
            : Symbols(packed, rest, bitsEnd, literalRegions, literals, ofLiterals, _literalCodes);
        return tokenBytes is null || literalBytes is null
            ? null
            : Decode(packed, length, rest, tokenBytes, bitsEnd, ofLiterals[0] == 0 ? null : literalBytes);
    }

    private static int Regions(int count) => count < 64 ? 1 : count < 160 ? 2 : 4;

    /// <summary>Decodes symbols; null if one of their codes is not there.</summary>
    private static byte[]? Symbols(byte[] packed, int start, int second, int[] regions, int count, List<int> segments,
        List<Dictionary<(int Length, int Code), byte>> codes)
    {
        if (segments.Any(code => code < 1 || code > codes.Count))
            return null;
        List<Bits> streams = [new Bits(packed, start, 1)];
        int at = second;
        foreach (int region in regions)
        {
            streams.Add(new Bits(packed, at, 1));
            at += region;
            streams.Add(new Bits(packed, at - 1, -1));
        }
        byte[] symbols = new byte[count];
        for (int i = 0; i < count; i++)
            symbols[count - 1 - i] = Symbol(streams[i % streams.Count], codes[segments[i / Segment] - 1]);
        return symbols;
    }

    /// <summary>Carries the sequences out.</summary>
    /// <param name="packed">The encoded text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="at">Where the tokens end.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="bitsEnd">The end of the region in which the extra bits are.</param>
    /// <param name="literals">The decoded literals; null if they follow the tokens as they are.</param>
    private byte[]? Decode(byte[] packed, int length, int at, byte[] tokens, int bitsEnd, byte[]? literals)
    {
        Bits extra = new(packed, bitsEnd - 1, -1);
        List<byte> text = [.. _dictionary];
        int end = _dictionary.Length + length;
        int literal = literals is null ? at : 0;
        byte[] source = literals ?? packed;
        int last = 1;
        foreach (byte token in tokens)
        {
            SpecifiedBox box = _boxes[token];
            int run = box.LiteralBase + extra.Take(box.LiteralBits);
            int match = box.MatchBase + extra.Take(box.MatchBits);
            int distance = box.IsRepeat ? last : box.DistanceBase + (extra.Take(box.DistanceBits) << box.Shift) + 1;
            bool isShort = extra.Taken > 8L * (bitsEnd - at);
            if (isShort || text.Count + run + match > end || distance > text.Count + run || literal + run > source.Length)
                return null;
            text.AddRange(source.AsSpan(literal, run));
            literal += run;
            for (int i = 0; i < match; i++)
                text.Add(text[^distance]);
            last = distance;
        }
        int rest = end - text.Count;
        int literalsEnd = literals?.Length ?? bitsEnd - (int)((extra.Taken + 7) / 8);
        if (literal + rest != literalsEnd)
            return null;
        text.AddRange(source.AsSpan(literal, rest));
        return [.. text.Skip(_dictionary.Length)];
    }

    private static byte Symbol(Bits stream, Dictionary<(int Length, int Code), byte> codes)
    {
        int code = 0;
        for (int length = 1; ; length++)
        {
            code = code << 1 | stream.Take(1);
            if (codes.TryGetValue((length, code), out byte value))
                return value;
        }
    }

    /// <summary>Counts the codes up: by length, and by value among those of one length.</summary>
    private static Dictionary<(int Length, int Code), byte> Codes(ReadOnlySpan<byte> halves)
    {
        Dictionary<(int Length, int Code), byte> codes = [];
        int next = 0;
        for (int length = 1; length <= 11; length++)
        {
            next <<= 1;
            for (int value = 0; value < 256; value++)
            {
                if ((halves[value / 2] >> value % 2 * 4 & 15) == length)
                    codes[(length, next++)] = (byte)value;
            }
        }
        Require(codes.Count == 256 && next == 1 << 11, "every value has a code, and the code is complete");
        return codes;
    }

    private static void Require(bool condition, string what) => Assert.True(condition, what);

    /// <summary>A string of bits: bytes in one direction, in each byte from the least significant bit; zeros beyond the ends.</summary>
    private sealed class Bits(byte[] bytes, int start, int step)
    {
        public long Taken { get; private set; }

        public int Take(int count)
        {
            int value = 0;
            for (int i = 0; i < count; i++, Taken++)
            {
                long at = start + step * (Taken / 8);
                int bit = at >= 0 && at < bytes.Length ? bytes[at] >> (int)(Taken % 8) & 1 : 0;
                value |= bit << i;
            }
            return value;
        }
    }

    /// <summary>A box as it is written in a file of tables.</summary>
    private readonly struct SpecifiedBox
    {
        public SpecifiedBox(ReadOnlySpan<byte> bytes)
        {
            LiteralBase = bytes[0] | bytes[1] << 8;
            MatchBase = bytes[2] | bytes[3] << 8;
            DistanceBase = bytes[4] | bytes[5] << 8;
            int rest = bytes[6] | bytes[7] << 8 | bytes[8] << 16;
            LiteralBits = rest & 31;
            MatchBits = rest >> 5 & 31;
            DistanceBits = rest >> 10 & 31;
            Shift = (rest >> 15 & 1) * 3;
            IsRepeat = (rest >> 16 & 1) != 0;
        }

        public int LiteralBase { get; }

        public int LiteralBits { get; }

        public int MatchBase { get; }

        public int MatchBits { get; }

        public int DistanceBase { get; }

        public int DistanceBits { get; }

        public int Shift { get; }

        public bool IsRepeat { get; }
    }
}
