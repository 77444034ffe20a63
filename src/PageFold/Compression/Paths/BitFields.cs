using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Compression.Paths;

/// <summary>PDEP and PEXT by shifts, for the masks of <see cref="IInstructionPath.Deposit"/> alone.</summary>
internal static class BitFields
{
    private const int SecondField = 16;
    private const int ThirdField = 48;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Deposit(ulong bits, ulong mask)
    {
        ulong first = (ushort)mask;
        ulong second = (ushort)(mask >> SecondField);
        ulong third = mask >> ThirdField;
        int width = BitOperations.PopCount(first);
        int both = width + BitOperations.PopCount(second);
        return bits & first | (bits >> width & second) << SecondField
            | (bits >> both << BitOperations.TrailingZeroCount(third) & third) << ThirdField;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extract(ulong fields, ulong mask)
    {
        ulong first = (ushort)mask;
        ulong second = (ushort)(mask >> SecondField);
        ulong third = mask >> ThirdField;
        int width = BitOperations.PopCount(first);
        int both = width + BitOperations.PopCount(second);
        return fields & first | (fields >> SecondField & second) << width
            | (fields >> ThirdField & third) >> BitOperations.TrailingZeroCount(third) << both;
    }
}
