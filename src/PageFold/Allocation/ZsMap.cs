namespace PageFold;

/// <summary>A mapped object: contiguous bytes to read or write until <see cref="Dispose"/>.</summary>
/// <remarks>
/// Until then the object does not move and cannot be freed. The value lives on the stack only, so it cannot cross an
/// <see langword="await"/>. Disposing it twice, or disposing a copy, has no further effect. If the object straddles two frames,
/// <see cref="Span"/> is a buffer of this mapping alone, and what was written is copied back when the mapping ends; otherwise it is the
/// object's own memory. Concurrent writers of one object have to synchronize among themselves. A mapping that is never disposed keeps its
/// object, and, once there is no reference to the pool, all of the pool's memory.
/// </remarks>
public readonly ref struct ZsMap : IDisposable
{
    private readonly ZsPool? _pool;
    private readonly uint _entry;
    private readonly ulong _sequence;

    internal ZsMap(ZsPool pool, Span<byte> span, uint entry, ulong sequence)
    {
        _pool = pool;
        _entry = entry;
        _sequence = sequence;
        Span = span;
    }

    /// <summary>The object's bytes, as many as were allocated.</summary>
    /// <remarks>Must not be used after <see cref="Dispose"/>.</remarks>
    public Span<byte> Span { get; }

    /// <summary>Ends the mapping; from now on the object holds what was written.</summary>
    /// <remarks>Never throws.</remarks>
    public void Dispose() => _pool?.Unmap(_entry, _sequence);
}

/// <summary>An object in place: one run of bytes, or two if it straddles two frames; never a copy.</summary>
/// <remarks>
/// The object does not move and cannot be freed until <see cref="Dispose"/>; the rules of <see cref="ZsMap"/> apply.
/// </remarks>
public readonly ref struct ZsView : IDisposable
{
    private readonly ZsPool? _pool;
    private readonly uint _entry;
    private readonly ulong _sequence;

    internal ZsView(ZsPool pool, Span<byte> first, Span<byte> second, uint entry, ulong sequence)
    {
        _pool = pool;
        _entry = entry;
        _sequence = sequence;
        First = first;
        Second = second;
    }

    /// <summary>The beginning of the object, or all of it.</summary>
    public Span<byte> First { get; }

    /// <summary>The rest of the object; empty if it is contiguous.</summary>
    public Span<byte> Second { get; }

    /// <summary>Bytes in the object.</summary>
    public int Length => First.Length + Second.Length;

    /// <summary>Ends the view.</summary>
    /// <remarks>Never throws.</remarks>
    public void Dispose() => _pool?.Unmap(_entry, _sequence);
}
