namespace PageFold;

/// <summary>
/// An object mapped for reading: contiguous bytes until <see cref="Dispose"/>. The object does not move and cannot be freed meanwhile.
/// </summary>
/// <remarks>The rules of <see cref="ZsMap"/> hold. If the object straddles two frames, <see cref="Span"/> is a copy of its bytes.</remarks>
public readonly ref struct ZsReadMap : IDisposable
{
    private readonly OpenMapping _mapping;

    internal ZsReadMap(OpenMapping mapping, ReadOnlySpan<byte> span)
    {
        _mapping = mapping;
        Span = span;
    }

    /// <summary>The object's bytes, as many as were allocated. Not to be used after <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Span { get; }

    /// <summary>Ends the mapping. Never throws.</summary>
    public void Dispose() => _mapping.End();
}

/// <summary>
/// An object mapped for writing: contiguous bytes until <see cref="Dispose"/>. The object does not move and cannot be freed meanwhile.
/// </summary>
/// <remarks>
/// <para>
/// The value lives on the stack only, so it cannot cross an <see langword="await"/>. Disposing it twice, or a copy of it, does nothing
/// more. A mapping that is never disposed keeps its object, and, once no reference to the pool is left, all of the pool's memory.
/// </para>
/// <para>
/// If the object straddles two frames, <see cref="Span"/> is a buffer of this mapping alone, and what was written goes back when the
/// mapping ends; otherwise it is the object's own memory. Writers of one object at the same time have to agree among themselves.
/// </para>
/// </remarks>
public readonly ref struct ZsMap : IDisposable
{
    private readonly OpenMapping _mapping;

    internal ZsMap(OpenMapping mapping, Span<byte> span)
    {
        _mapping = mapping;
        Span = span;
    }

    /// <summary>The object's bytes, as many as were allocated. Not to be used after <see cref="Dispose"/>.</summary>
    public Span<byte> Span { get; }

    /// <summary>Ends the mapping; what was written is in the object from then on. Never throws.</summary>
    public void Dispose() => _mapping.End();
}
