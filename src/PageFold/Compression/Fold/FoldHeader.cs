using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Compression.Fold;

/// <summary>What stands before the parts of an encoded text.</summary>
/// <remarks>
/// A string of bits, least significant first. The widths of its fields follow from the length of the text, which is known to both sides:
/// <c>w</c> bits hold that length less one.
/// <list type="bullet">
/// <item>4 bits: the code of the last literals; zero if literals are as they are</item>
/// <item>4 bits: the code of the last tokens; zero if tokens are as they are</item>
/// <item>w - 1 bits: the number of tokens</item>
/// <item>if literals are coded: w bits with their number less one, w bits with the length of each region but the first, and 4 bits with the
/// code of each further segment</item>
/// <item>if tokens are coded: w bits with the length of each region, and 4 bits with the code of each further segment</item>
/// </list>
/// </remarks>
internal unsafe struct FoldHeader
{
    /// <summary>The most bytes of a header in front of literals and tokens as they are.</summary>
    public const int MaxRawBytes = 3;

    /// <summary>The most bytes of a header.</summary>
    public const int MaxBytes = 72;

    private const int CodeBits = 4;
    private const int CodeMask = (1 << CodeBits) - 1;

    private readonly int _countBits;
    private readonly int _tokenBits;

    public FoldHeader(int length)
    {
        _countBits = 32 - BitOperations.LeadingZeroCount((uint)length - 1);
        _tokenBits = Math.Max(0, _countBits - 1);
    }

    /// <summary>The tokens.</summary>
    public SymbolBlock Tokens;

    /// <summary>The literals.</summary>
    public SymbolBlock Literals;

    /// <summary>The greatest number of tokens.</summary>
    public readonly int MaxTokens => (1 << _tokenBits) - 1;

    /// <summary>Bytes of the header.</summary>
    public readonly int Bytes =>
        (2 * CodeBits + _tokenBits + (Literals.IsCoded ? LiteralBits : 0) + (Tokens.IsCoded ? TokenBits : 0) + 7) / 8;

    /// <summary>Bits of the fields that coded literals add.</summary>
    public readonly int LiteralBits => _countBits + (Literals.RegionCount - 1) * _countBits + (Literals.SegmentCount - 1) * CodeBits;

    /// <summary>Bits of the fields that coded tokens add.</summary>
    public readonly int TokenBits => Tokens.RegionCount * _countBits + (Tokens.SegmentCount - 1) * CodeBits;

    /// <summary>Reads the header; up to <see cref="MaxBytes"/> and eight are read.</summary>
    public void Read(byte* from)
    {
        int bit = 0;
        Literals.Codes[0] = (byte)Take(from, ref bit, CodeBits);
        Tokens.Codes[0] = (byte)Take(from, ref bit, CodeBits);
        Tokens.Count = Take(from, ref bit, _tokenBits);
        if (Literals.IsCoded)
        {
            Literals.Count = Take(from, ref bit, _countBits) + 1;
            Take(from, ref bit, ref Literals, firstRegion: 1);
        }
        if (Tokens.IsCoded)
            Take(from, ref bit, ref Tokens, firstRegion: 0);
    }

    /// <summary>Writes the header: <see cref="Bytes"/>.</summary>
    public readonly void Write(byte* to)
    {
        Unsafe.InitBlockUnaligned(to, 0, (uint)Bytes);
        int bit = 0;
        Put(to, ref bit, Literals.Codes[0], CodeBits);
        Put(to, ref bit, Tokens.Codes[0], CodeBits);
        Put(to, ref bit, Tokens.Count, _tokenBits);
        if (Literals.IsCoded)
        {
            Put(to, ref bit, Literals.Count - 1, _countBits);
            Put(to, ref bit, Literals, firstRegion: 1);
        }
        if (Tokens.IsCoded)
            Put(to, ref bit, Tokens, firstRegion: 0);
    }

    private readonly void Take(byte* from, ref int bit, ref SymbolBlock block, int firstRegion)
    {
        for (int region = firstRegion; region < block.RegionCount; region++)
            block.Regions[region] = Take(from, ref bit, _countBits);
        for (int segment = 1; segment < block.SegmentCount; segment++)
            block.Codes[segment] = (byte)Take(from, ref bit, CodeBits);
    }

    private readonly void Put(byte* to, ref int bit, in SymbolBlock block, int firstRegion)
    {
        for (int region = firstRegion; region < block.RegionCount; region++)
            Put(to, ref bit, block.Regions[region], _countBits);
        for (int segment = 1; segment < block.SegmentCount; segment++)
            Put(to, ref bit, block.Codes[segment] & CodeMask, CodeBits);
    }

    private static int Take(byte* from, ref int bit, int width)
    {
        uint value = Unsafe.ReadUnaligned<uint>(from + (bit >> 3)) >> (bit & 7) & ((1u << width) - 1);
        bit += width;
        return (int)value;
    }

    private static void Put(byte* to, ref int bit, int value, int width)
    {
        // The fields before are smaller than a byte's rest, so a field ends in the third byte at the latest.
        uint bits = (uint)value << (bit & 7);
        for (byte* at = to + (bit >> 3); bits != 0; bits >>= 8)
            *at++ |= (byte)bits;
        bit += width;
    }
}
