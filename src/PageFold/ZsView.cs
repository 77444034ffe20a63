namespace PageFold;

/// <summary>
/// An object as it lies, for reading: one run of bytes, or two if it straddles two frames. Never copies. The object does not move and
/// cannot be freed until <see cref="Dispose"/>; the rules of <see cref="ZsMap"/> hold.
/// </summary>
public readonly ref struct ZsReadView : IDisposable
{
    private readonly OpenMapping _mapping;

    internal ZsReadView(OpenMapping mapping, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        _mapping = mapping;
        First = first;
        Second = second;
    }

    /// <summary>The beginning of the object, or all of it.</summary>
    public ReadOnlySpan<byte> First { get; }

    /// <summary>The rest of the object; empty if it is contiguous.</summary>
    public ReadOnlySpan<byte> Second { get; }

    /// <summary>Bytes in the object.</summary>
    public int Length => First.Length + Second.Length;

    /// <summary>Ends the view. Never throws.</summary>
    public void Dispose() => _mapping.End();
}

/// <summary>
/// An object as it lies, for writing: one run of bytes, or two if it straddles two frames. Never copies: what is written is in the object
/// at once. The object does not move and cannot be freed until <see cref="Dispose"/>; the rules of <see cref="ZsMap"/> hold.
/// </summary>
public readonly ref struct ZsView : IDisposable
{
    private readonly OpenMapping _mapping;

    internal ZsView(OpenMapping mapping, Span<byte> first, Span<byte> second)
    {
        _mapping = mapping;
        First = first;
        Second = second;
    }

    /// <summary>The beginning of the object, or all of it.</summary>
    public Span<byte> First { get; }

    /// <summary>The rest of the object; empty if it is contiguous.</summary>
    public Span<byte> Second { get; }

    /// <summary>Bytes in the object.</summary>
    public int Length => First.Length + Second.Length;

    /// <summary>Ends the view. Never throws.</summary>
    public void Dispose() => _mapping.End();
}
