using System.Runtime.CompilerServices;
using PageFold.Interop;

namespace PageFold.Mapping;

/// <summary>The location of an object's bytes: one run, or the end of one frame and the beginning of another.</summary>
/// <remarks>Valid only while the object is pinned.</remarks>
internal readonly unsafe struct ObjectView
{
    public readonly byte* First;
    public readonly byte* Second;
    public readonly int FirstLength;
    public readonly int SecondLength;

    public ObjectView(byte* first, int firstLength, byte* second, int secondLength)
    {
        First = first;
        FirstLength = firstLength;
        Second = second;
        SecondLength = secondLength;
    }

    public int Length => FirstLength + SecondLength;

    public bool IsContiguous => SecondLength == 0;

    public Span<byte> FirstSpan => new(First, FirstLength);

    public Span<byte> SecondSpan => new(Second, SecondLength);

    /// <summary>Copies the whole object out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CopyTo(byte* destination)
    {
        Block.Copy(destination, First, FirstLength);
        if (SecondLength != 0)
            Block.Copy(destination + FirstLength, Second, SecondLength);
    }

    /// <summary>Copies the whole object in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CopyFrom(byte* source)
    {
        Block.Copy(First, source, FirstLength);
        if (SecondLength != 0)
            Block.Copy(Second, source + FirstLength, SecondLength);
    }

    /// <summary>Copies another object of the same length, wherever each of them is split.</summary>
    public void CopyFrom(in ObjectView source)
    {
        CopyFrom(0, source.FirstSpan);
        CopyFrom(source.FirstLength, source.SecondSpan);
    }

    /// <summary>Copies a part out.</summary>
    /// <remarks>The caller has checked the range.</remarks>
    public void CopyTo(int offset, Span<byte> destination)
    {
        int fromFirst = Math.Clamp(FirstLength - offset, 0, destination.Length);
        if (fromFirst > 0)
            FirstSpan.Slice(offset, fromFirst).CopyTo(destination);
        if (fromFirst < destination.Length)
            SecondSpan.Slice(offset + fromFirst - FirstLength, destination.Length - fromFirst).CopyTo(destination[fromFirst..]);
    }

    /// <summary>Copies a part in.</summary>
    /// <remarks>The caller has checked the range.</remarks>
    public void CopyFrom(int offset, ReadOnlySpan<byte> source)
    {
        int toFirst = Math.Clamp(FirstLength - offset, 0, source.Length);
        if (toFirst > 0)
            source[..toFirst].CopyTo(FirstSpan[offset..]);
        if (toFirst < source.Length)
            source[toFirst..].CopyTo(SecondSpan[(offset + toFirst - FirstLength)..]);
    }

    public void Clear()
    {
        Block.Clear(First, FirstLength);
        if (SecondLength != 0)
            Block.Clear(Second, SecondLength);
    }
}
