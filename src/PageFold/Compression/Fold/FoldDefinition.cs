using System.Buffers.Binary;
using System.IO.Hashing;
using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold;

/// <summary>What defines a set of tables, and the bytes in which it is kept. Immutable.</summary>
/// <remarks>
/// <para>The bytes, little-endian:</para>
/// <list type="bullet">
/// <item>4: "PFT1", which names the version of the format</item>
/// <item>4: the length of texts for which the set was trained; an advice</item>
/// <item>2: the number of codes of literals, 0 to 15</item>
/// <item>2: the number of codes of tokens, 0 to 15</item>
/// <item>4: the length of the dictionary, 0 to 65,536</item>
/// <item>256 × 9: the boxes, each with the three bases in two bytes and then in three bytes, from the lowest bit, five bits for each
/// number of extra bits, one for multiples of 8 and one for the last distance again</item>
/// <item>128 for each code of literals, and then of tokens: the lengths of the symbols' codes, four bits for each, lower bits first</item>
/// <item>the dictionary</item>
/// <item>8: the XXH3 hash of all that precedes, which is the set's identity</item>
/// </list>
/// </remarks>
internal sealed class FoldDefinition
{
    /// <summary>The most bytes of a definition.</summary>
    public const int MaxBytes = HeaderBytes + FoldTables.Boxes * BoxBytes + 2 * PrefixTables.Max * CodeBytes
        + MatchDictionary.MaxLength + IdentityBytes;

    /// <summary>Bytes at the beginning of a definition, which say how long its parts are.</summary>
    public const int HeaderBytes = 16;

    private const uint Magic = 0x31544650;
    private const int BoxBytes = 9;
    private const int CodeBytes = PrefixCode.Symbols / 2;
    private const int IdentityBytes = sizeof(ulong);
    private const int BitsWidth = 5;
    private const int BitsMask = (1 << BitsWidth) - 1;
    private const int MultiplesBit = 3 * BitsWidth;
    private const int RepeatBit = MultiplesBit + 1;

    private FoldDefinition(int length, IReadOnlyList<Box> boxes, IReadOnlyList<byte[]> literalLengths, IReadOnlyList<byte[]> tokenLengths,
        ReadOnlyMemory<byte> dictionary)
    {
        (Length, Boxes, Dictionary) = (length, boxes, dictionary);
        (LiteralLengths, TokenLengths) = (literalLengths, tokenLengths);
        Identity = BinaryPrimitives.ReadUInt64LittleEndian(ToArray().AsSpan()[^IdentityBytes..]);
    }

    /// <summary>The hash of everything else: two sets with the same identity are the same.</summary>
    public ulong Identity { get; }

    /// <summary>The length of the texts for which it was trained.</summary>
    public int Length { get; }

    /// <summary>The meaning of each token.</summary>
    public IReadOnlyList<Box> Boxes { get; }

    /// <summary>For each code of literals the length of each value's code.</summary>
    public IReadOnlyList<byte[]> LiteralLengths { get; }

    /// <summary>For each code of tokens the length of each token's code.</summary>
    public IReadOnlyList<byte[]> TokenLengths { get; }

    /// <summary>What precedes each text; empty for nothing.</summary>
    public ReadOnlyMemory<byte> Dictionary { get; }

    /// <summary>Makes a definition; null if the parts cannot be tables.</summary>
    public static FoldDefinition? TryMake(int length, IReadOnlyList<Box> boxes, IReadOnlyList<byte[]> literalLengths,
        IReadOnlyList<byte[]> tokenLengths, ReadOnlyMemory<byte> dictionary)
    {
        bool valid = length > 0
            && boxes.Count == FoldTables.Boxes && boxes.All(box => box.IsValid) && CoverAll(boxes)
            && AreCodes(literalLengths) && AreCodes(tokenLengths)
            && dictionary.Length <= MatchDictionary.MaxLength;
        return valid ? new FoldDefinition(length, boxes, literalLengths, tokenLengths, dictionary) : null;
    }

    /// <summary>True if the header of a definition says that there is a dictionary.</summary>
    public static bool HasDictionary(ReadOnlySpan<byte> header) =>
        BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic && BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != 0;

    /// <summary>Reads a definition; null if the bytes are none.</summary>
    public static FoldDefinition? TryRead(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(span) != Magic)
            return null;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(span[4..]);
        int literalCodes = BinaryPrimitives.ReadUInt16LittleEndian(span[8..]);
        int tokenCodes = BinaryPrimitives.ReadUInt16LittleEndian(span[10..]);
        uint dictionary = BinaryPrimitives.ReadUInt32LittleEndian(span[12..]);
        if (length > int.MaxValue || literalCodes > PrefixTables.Max || tokenCodes > PrefixTables.Max
            || dictionary > MatchDictionary.MaxLength)
            return null;
        int codesStart = HeaderBytes + FoldTables.Boxes * BoxBytes;
        int dictionaryStart = codesStart + (literalCodes + tokenCodes) * CodeBytes;
        int end = dictionaryStart + (int)dictionary;
        if (span.Length != end + IdentityBytes || XxHash3.HashToUInt64(span[..end]) != BinaryPrimitives.ReadUInt64LittleEndian(span[end..]))
            return null;
        Box[] boxes = new Box[FoldTables.Boxes];
        for (int i = 0; i < boxes.Length; i++)
            boxes[i] = ReadBox(span.Slice(HeaderBytes + i * BoxBytes, BoxBytes));
        byte[][] lengths = new byte[literalCodes + tokenCodes][];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = ReadLengths(span.Slice(codesStart + i * CodeBytes, CodeBytes));
        return TryMake((int)length, boxes, lengths[..literalCodes], lengths[literalCodes..], bytes[dictionaryStart..end]);
    }

    /// <summary>Returns the bytes of the definition.</summary>
    public byte[] ToArray()
    {
        int codesStart = HeaderBytes + FoldTables.Boxes * BoxBytes;
        int dictionaryStart = codesStart + (LiteralLengths.Count + TokenLengths.Count) * CodeBytes;
        int end = dictionaryStart + Dictionary.Length;
        byte[] bytes = new byte[end + IdentityBytes];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(span, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], Length);
        BinaryPrimitives.WriteUInt16LittleEndian(span[8..], (ushort)LiteralLengths.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(span[10..], (ushort)TokenLengths.Count);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], Dictionary.Length);
        for (int i = 0; i < Boxes.Count; i++)
            WriteBox(Boxes[i], span.Slice(HeaderBytes + i * BoxBytes, BoxBytes));
        for (int i = 0; i < LiteralLengths.Count + TokenLengths.Count; i++)
        {
            WriteLengths(i < LiteralLengths.Count ? LiteralLengths[i] : TokenLengths[i - LiteralLengths.Count],
                span.Slice(codesStart + i * CodeBytes, CodeBytes));
        }
        Dictionary.Span.CopyTo(span[dictionaryStart..]);
        BinaryPrimitives.WriteUInt64LittleEndian(span[end..], XxHash3.HashToUInt64(span[..end]));
        return bytes;
    }

    private static bool AreCodes(IReadOnlyList<byte[]> codes) => codes.Count <= PrefixTables.Max
        && codes.All(lengths => lengths.Length == PrefixCode.Symbols && PrefixCode.IsComplete(lengths));

    /// <summary>True if every sequence has a box.</summary>
    private static bool CoverAll(IReadOnlyList<Box> boxes)
    {
        const int All = ushort.MaxValue;
        static bool IsWide(Box box) =>
            box is { LiteralBase: 0, LiteralMax: All, MatchBase: Box.MinMatch, MatchMax: >= Box.MaxMatch };
        return boxes.Any(box => box.IsRepeat && IsWide(box))
            && boxes.Any(box => IsWide(box) && box is { IsRepeat: false, DistanceBase: 0, DistanceShift: 0, DistanceMax: All });
    }

    private static Box ReadBox(ReadOnlySpan<byte> bytes)
    {
        int bits = bytes[6] | bytes[7] << 8 | bytes[8] << 16;
        return new Box(
            BinaryPrimitives.ReadUInt16LittleEndian(bytes), (byte)(bits & BitsMask),
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]), (byte)(bits >> BitsWidth & BitsMask),
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]), (byte)(bits >> 2 * BitsWidth & BitsMask),
            (byte)((bits >> MultiplesBit & 1) * Box.MultipleShift), (bits >> RepeatBit & 1) != 0);
    }

    private static void WriteBox(Box box, Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, box.LiteralBase);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], box.MatchBase);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], box.DistanceBase);
        int bits = box.LiteralBits | box.MatchBits << BitsWidth | box.DistanceBits << 2 * BitsWidth
            | (box.DistanceShift != 0 ? 1 : 0) << MultiplesBit | (box.IsRepeat ? 1 : 0) << RepeatBit;
        (bytes[6], bytes[7], bytes[8]) = ((byte)bits, (byte)(bits >> 8), (byte)(bits >> 16));
    }

    private static byte[] ReadLengths(ReadOnlySpan<byte> bytes)
    {
        byte[] lengths = new byte[PrefixCode.Symbols];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = (byte)(bytes[i / 2] >> i % 2 * 4 & 0xF);
        return lengths;
    }

    private static void WriteLengths(byte[] lengths, Span<byte> bytes)
    {
        for (int i = 0; i < lengths.Length; i++)
            bytes[i / 2] |= (byte)(lengths[i] << i % 2 * 4);
    }
}
