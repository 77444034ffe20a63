using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageFold.Tests.Compression.Fold;

/// <summary>
/// A decoder of the fold format that follows docs/codec.md sentence by sentence, bit by bit, and shares no code with the library's.
/// </summary>
internal sealed class SpecifiedDecoder
{
    private const int BoxCount = 256;

    private readonly SpecifiedBox[] _boxes = new SpecifiedBox[BoxCount];
    private readonly List<Dictionary<(int Length, int Code), byte>> _codes = [];
    private readonly byte[] _dictionary;

    /// <summary>Reads a file of tables.</summary>
    public SpecifiedDecoder(ReadOnlySpan<byte> file)
    {
        Require(file[..4].SequenceEqual("PFT1"u8), "the file begins with PFT1");
        int tables = BinaryPrimitives.ReadInt32LittleEndian(file[8..]);
        int dictionary = BinaryPrimitives.ReadInt32LittleEndian(file[12..]);
        Require(tables is >= 1 and <= 16 && dictionary is >= 0 and <= 65536, "both numbers are in range");
        Require(file.Length == 16 + 9 * BoxCount + 128 * tables + dictionary + 8, "the length follows from them");
        Require(
            XxHash3.HashToUInt64(file[..^8]) == BinaryPrimitives.ReadUInt64LittleEndian(file[^8..]), "the file ends with its identity");
        for (int token = 0; token < BoxCount; token++)
            _boxes[token] = new SpecifiedBox(file.Slice(16 + 9 * token, 9));
        for (int table = 0; table < tables; table++)
            _codes.Add(Codes(file.Slice(16 + 9 * BoxCount + 128 * table, 128)));
        _dictionary = file[^(8 + dictionary)..^8].ToArray();
    }

    /// <summary>Decodes a text of a length; null if the bytes are to be refused.</summary>
    public byte[]? Decode(byte[] packed, int length)
    {
        int literalBits = 0;
        while (1 << literalBits < length)
            literalBits++;
        int tokenBits = Math.Max(0, literalBits - 1);
        int rawHeader = (5 + tokenBits + 7) / 8;
        if (packed.Length < rawHeader || packed.Length > length + 11)
            return null;
        Bits header = new(packed, 0, 1);
        int table = header.Take(5);
        int tokens = header.Take(tokenBits);
        if (table == 0)
            return rawHeader + tokens > packed.Length ? null : Decode(packed, length, rawHeader, tokens, packed.Length, literals: null);
        int count = header.Take(literalBits) + 1;
        int regions = count < 96 ? 1 : count < 320 ? 2 : 4;
        int[] lengths = [.. Enumerable.Range(0, regions - 1).Select(_ => header.Take(tokenBits))];
        int first = (5 + literalBits + regions * tokenBits + 7) / 8;
        int firstEnd = packed.Length - lengths.Sum();
        if (table > _codes.Count || count > length || first + tokens > firstEnd)
            return null;
        List<Bits> streams = [new Bits(packed, first + tokens, 1)];
        int start = firstEnd;
        foreach (int region in lengths)
        {
            streams.Add(new Bits(packed, start, 1));
            start += region;
            streams.Add(new Bits(packed, start - 1, -1));
        }
        byte[] literals = new byte[count];
        for (int i = 0; i < count; i++)
            literals[count - 1 - i] = Literal(streams[i % streams.Count], _codes[table - 1]);
        return Decode(packed, length, first, tokens, firstEnd, literals);
    }

    /// <summary>Carries the sequences out.</summary>
    /// <param name="packed">The encoded text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="at">Where the tokens begin.</param>
    /// <param name="tokens">Their number.</param>
    /// <param name="bitsEnd">The end of the region in which the extra bits are.</param>
    /// <param name="literals">The decoded literals; null if they follow the tokens as they are.</param>
    private byte[]? Decode(byte[] packed, int length, int at, int tokens, int bitsEnd, byte[]? literals)
    {
        Bits extra = new(packed, bitsEnd - 1, -1);
        List<byte> text = [.. _dictionary];
        int end = _dictionary.Length + length;
        int literal = literals is null ? at + tokens : 0;
        byte[] source = literals ?? packed;
        int last = 1;
        foreach (byte token in packed.AsSpan(at, tokens))
        {
            SpecifiedBox box = _boxes[token];
            int run = box.LiteralBase + extra.Take(box.LiteralBits);
            int match = box.MatchBase + extra.Take(box.MatchBits);
            int distance = box.IsRepeat ? last : box.DistanceBase + (extra.Take(box.DistanceBits) << box.Shift) + 1;
            bool isShort = extra.Taken > 8L * (bitsEnd - at - tokens);
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

    private static byte Literal(Bits stream, Dictionary<(int Length, int Code), byte> codes)
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
