using PageFold.Mapping;

namespace PageFold;

/// <summary>The bytes of an object where they lie: one run, or the end of one frame and the beginning of another.</summary>
/// <remarks>
/// Valid for as long as the object cannot move or go: the owner holds whatever it checks in <see cref="IObjectOwner.TryBeginMove"/>, or has
/// not published the object yet. The heap does not check that.
/// </remarks>
public readonly unsafe ref struct HeapObject
{
    private readonly ObjectView _view;
    private readonly ulong* _tag;

    internal HeapObject(ObjectView view, ulong* tag)
    {
        _view = view;
        _tag = tag;
    }

    /// <summary>Bytes of the object: as many as were allocated, rounded up to its size class.</summary>
    public int Capacity => _view.Length;

    /// <summary>The first run, or all of the object.</summary>
    public Span<byte> First => _view.FirstSpan;

    /// <summary>The second run; empty if the object is contiguous.</summary>
    public Span<byte> Second => _view.SecondSpan;

    /// <summary>Eight bytes of the owner's beside the object, which compaction moves with it.</summary>
    public ref ulong Tag => ref *_tag;

    /// <summary>Copies bytes out.</summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="destination">Filled whole.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    public void Read(int offset, Span<byte> destination)
    {
        PoolThrow.IfRangeOutsideObject(offset, destination.Length, Capacity);
        _view.CopyTo(offset, destination);
    }

    /// <summary>Copies bytes in.</summary>
    /// <param name="offset">Where to begin.</param>
    /// <param name="source">The bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the object.</exception>
    public void Write(int offset, ReadOnlySpan<byte> source)
    {
        PoolThrow.IfRangeOutsideObject(offset, source.Length, Capacity);
        _view.CopyFrom(offset, source);
    }

    /// <summary>Asks the processor for all cache lines of the object's first <paramref name="bytes"/> bytes.</summary>
    public void Prefetch(int bytes)
    {
        int first = Math.Min(bytes, _view.FirstLength);
        Interop.Prefetch.All(_view.First, first);
        Interop.Prefetch.All(_view.Second, Math.Min(bytes - first, _view.SecondLength));
    }
}
