using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Tests.Compression.Fold;

/// <summary>
/// A decoder of the fold format that follows docs/codec.md sentence by sentence, bit by bit, and shares no code with the library's.
/// </summary>
internal sealed class SpecifiedDecoder
{
    private const int BoxCount = 256;
    private const int CodesStart = 16 + 9 * BoxCount;

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
        Require(literalCodes <= 15 && tokenCodes <= 15 && dictionary is >= 0 and <= 65536, "all numbers are in range");
        Require(file.Length == CodesStart + 128 * (literalCodes + tokenCodes) + dictionary + 8, "the length follows from them");
        Require(
            XxHash3.HashToUInt64(file[..^8]) == BinaryPrimitives.ReadUInt64LittleEndian(file[^8..]), "the file ends with its identity");
        for (int token = 0; token < BoxCount; token++)
            _boxes[token] = new SpecifiedBox(file.Slice(16 + 9 * token, 9));
        for (int code = 0; code < literalCodes + tokenCodes; code++)
            (code < literalCodes ? _literalCodes : _tokenCodes).Add(Codes(file.Slice(CodesStart + 128 * code, 128)));
        _dictionary = file[^(8 + dictionary)..^8].ToArray();
    }

    /// <summary>Decodes a text of a length; null if the bytes are to be refused.</summary>
    public byte[]? Decode(byte[] packed, int length)
    {
        if (packed.Length == 0 || packed.Length > length + 72)
            return null;
        int width = 0;
        while (1 << width < length)
            width++;
        Bits header = new(packed, 0, 1);
        int literalCode = header.Take(4);
        int tokenCode = header.Take(4);
        int tokenCount = header.Take(Math.Max(0, width - 1));
        Coded? literals = null;
        Coded? tokens = null;
        if (literalCode != 0)
        {
            int count = header.Take(width) + 1;
            literals = new Coded(count, [0, .. Fields(header, Regions(count) - 1, width)],
                [literalCode, .. Fields(header, Segments(count) - 1, 4)]);
        }
        if (tokenCode != 0)
            tokens = new Coded(tokenCount, Fields(header, Regions(tokenCount), width),
                [tokenCode, .. Fields(header, Segments(tokenCount) - 1, 4)]);
        int at = (int)(header.Taken + 7) / 8;
        int afterTokens = at + (tokens?.Regions.Sum() ?? tokenCount);
        if (afterTokens > packed.Length)
            return null;
        byte[]? decodedTokens = tokens is null ? packed[at..afterTokens] : Symbols(packed, tokens, _tokenCodes, at, at + tokens.Regions[0]);
        int bitsEnd = packed.Length - (literals?.Regions.Sum() ?? 0);
        if (decodedTokens is null || bitsEnd < afterTokens || literals?.Count > length)
            return null;
        byte[]? decoded = literals is null ? null : Symbols(packed, literals, _literalCodes, afterTokens, bitsEnd);
        return literals is not null && decoded is null ? null : Decode(packed, length, decodedTokens, afterTokens, bitsEnd, decoded);
    }

    private static int Regions(int symbols) => symbols < 64 ? 1 : symbols < 160 ? 2 : 4;

    private static int Segments(int symbols) => Math.Max(1, (symbols + 1014) / 1015);

    private static int[] Fields(Bits header, int count, int width) => [.. Enumerable.Range(0, count).Select(_ => header.Take(width))];

    /// <summary>Decodes the tokens or the literals; null if a code is none of the set.</summary>
    /// <param name="packed">The encoded text.</param>
    /// <param name="coded">What the header says of them.</param>
    /// <param name="codes">The set's codes.</param>
    /// <param name="start">Where the first region begins.</param>
    /// <param name="second">Where the first region ends.</param>
    private static byte[]? Symbols(
        byte[] packed, Coded coded, List<Dictionary<(int Length, int Code), byte>> codes, int start, int second)
    {
        if (coded.Codes.Any(code => code == 0 || code > codes.Count))
            return null;
        List<Bits> streams = [new Bits(packed, start, 1)];
        foreach (int region in coded.Regions.Skip(1))
        {
            streams.Add(new Bits(packed, second, 1));
            second += region;
            streams.Add(new Bits(packed, second - 1, -1));
        }
        byte[] symbols = new byte[coded.Count];
        for (int i = 0; i < symbols.Length; i++)
            symbols[^(i + 1)] = Symbol(streams[i % streams.Count], codes[coded.Codes[i / 1015] - 1]);
        return symbols;
    }

    /// <summary>Carries the sequences out.</summary>
    /// <param name="packed">The encoded text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="tokens">The decoded tokens.</param>
    /// <param name="at">Where the literals begin.</param>
    /// <param name="bitsEnd">The end of the region in which the extra bits are.</param>
    /// <param name="literals">The decoded literals; null if they are as they are.</param>
    private byte[]? Decode(byte[] packed, int length, byte[] tokens, int at, int bitsEnd, byte[]? literals)
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

    /// <summary>What a header says of coded tokens or literals; of the literals' first region it says nothing.</summary>
    private sealed record Coded(int Count, int[] Regions, int[] Codes);

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
