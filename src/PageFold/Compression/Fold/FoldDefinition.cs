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
/// <item>4: the number of literal tables, 1 to 16</item>
/// <item>4: the length of the dictionary, 0 to 65,536</item>
/// <item>256 × 9: the boxes, each with the three bases in two bytes and then in three bytes, from the lowest bit, five bits for each number
/// of extra bits, one for multiples of 8 and one for the last distance again</item>
/// <item>128 for each literal table: the lengths of the codes, four bits for each value</item>
/// <item>the dictionary</item>
/// <item>8: the XXH3 hash of all that precedes, which is the set's identity</item>
/// </list>
/// </remarks>
internal sealed class FoldDefinition
{
    /// <summary>The most bytes of a definition.</summary>
    public const int MaxBytes = HeaderBytes + FoldTables.Boxes * BoxBytes + FoldTables.MaxLiteralTables * LiteralTableBytes
        + MatchDictionary.MaxLength + IdentityBytes;

    private const uint Magic = 0x31544650;
    private const int HeaderBytes = 16;
    private const int BoxBytes = 9;
    private const int LiteralTableBytes = LiteralCode.Symbols / 2;
    private const int IdentityBytes = sizeof(ulong);
    private const int BitsWidth = 5;
    private const int BitsMask = (1 << BitsWidth) - 1;
    private const int MultiplesBit = 3 * BitsWidth;
    private const int RepeatBit = MultiplesBit + 1;

    private FoldDefinition(int length, IReadOnlyList<Box> boxes, IReadOnlyList<byte[]> literalLengths, ReadOnlyMemory<byte> dictionary)
    {
        (Length, Boxes, LiteralLengths, Dictionary) = (length, boxes, literalLengths, dictionary);
        Identity = BinaryPrimitives.ReadUInt64LittleEndian(ToArray().AsSpan()[^IdentityBytes..]);
    }

    /// <summary>The hash of everything else: two sets with the same identity are the same.</summary>
    public ulong Identity { get; }

    /// <summary>The length of the texts for which it was trained.</summary>
    public int Length { get; }

    /// <summary>The meaning of each token.</summary>
    public IReadOnlyList<Box> Boxes { get; }

    /// <summary>For each literal table the length of each value's code.</summary>
    public IReadOnlyList<byte[]> LiteralLengths { get; }

    /// <summary>What precedes each text; empty for nothing.</summary>
    public ReadOnlyMemory<byte> Dictionary { get; }

    /// <summary>Makes a definition; null if the parts cannot be tables.</summary>
    public static FoldDefinition? TryMake(
        int length, IReadOnlyList<Box> boxes, IReadOnlyList<byte[]> literalLengths, ReadOnlyMemory<byte> dictionary)
    {
        bool valid = length > 0
            && boxes.Count == FoldTables.Boxes && boxes.All(box => box.IsValid) && CoverAll(boxes)
            && literalLengths.Count is > 0 and <= FoldTables.MaxLiteralTables
            && literalLengths.All(lengths => lengths.Length == LiteralCode.Symbols && LiteralCode.IsComplete(lengths))
            && dictionary.Length <= MatchDictionary.MaxLength;
        return valid ? new FoldDefinition(length, boxes, literalLengths, dictionary) : null;
    }

    /// <summary>Reads a definition; null if the bytes are none.</summary>
    public static FoldDefinition? TryRead(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(span) != Magic)
            return null;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(span[4..]);
        uint tables = BinaryPrimitives.ReadUInt32LittleEndian(span[8..]);
        uint dictionary = BinaryPrimitives.ReadUInt32LittleEndian(span[12..]);
        if (length > int.MaxValue || tables > FoldTables.MaxLiteralTables || dictionary > MatchDictionary.MaxLength)
            return null;
        int literalStart = HeaderBytes + FoldTables.Boxes * BoxBytes;
        int dictionaryStart = literalStart + (int)tables * LiteralTableBytes;
        int end = dictionaryStart + (int)dictionary;
        if (span.Length != end + IdentityBytes || XxHash3.HashToUInt64(span[..end]) != BinaryPrimitives.ReadUInt64LittleEndian(span[end..]))
            return null;
        Box[] boxes = new Box[FoldTables.Boxes];
        for (int i = 0; i < boxes.Length; i++)
            boxes[i] = ReadBox(span.Slice(HeaderBytes + i * BoxBytes, BoxBytes));
        byte[][] lengths = new byte[tables][];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = ReadLengths(span.Slice(literalStart + i * LiteralTableBytes, LiteralTableBytes));
        return TryMake((int)length, boxes, lengths, bytes[dictionaryStart..end]);
    }

    /// <summary>Returns the bytes of the definition.</summary>
    public byte[] ToArray()
    {
        int literalStart = HeaderBytes + FoldTables.Boxes * BoxBytes;
        int dictionaryStart = literalStart + LiteralLengths.Count * LiteralTableBytes;
        int end = dictionaryStart + Dictionary.Length;
        byte[] bytes = new byte[end + IdentityBytes];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(span, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], LiteralLengths.Count);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], Dictionary.Length);
        for (int i = 0; i < Boxes.Count; i++)
            WriteBox(Boxes[i], span.Slice(HeaderBytes + i * BoxBytes, BoxBytes));
        for (int i = 0; i < LiteralLengths.Count; i++)
            WriteLengths(LiteralLengths[i], span.Slice(literalStart + i * LiteralTableBytes, LiteralTableBytes));
        Dictionary.Span.CopyTo(span[dictionaryStart..]);
        BinaryPrimitives.WriteUInt64LittleEndian(span[end..], XxHash3.HashToUInt64(span[..end]));
        return bytes;
    }

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
        byte[] lengths = new byte[LiteralCode.Symbols];
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
