namespace PageFold;

/// <summary>
/// A mapping or view of a pool that is open. It ends once: a copy that ends later, or the default value, ends nothing.
/// </summary>
internal readonly struct OpenMapping(ZsPool pool, uint entry, ulong sequence)
{
    private readonly ZsPool? _pool = pool;

    public void End() => _pool?.Unmap(entry, sequence);
}
