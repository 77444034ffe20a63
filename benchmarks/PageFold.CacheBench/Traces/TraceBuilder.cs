namespace PageFold.CacheBench.Traces;

/// <summary>Collects the requests of a trace.</summary>
/// <remarks>A value has one size, that of its key's first request: a cache that holds it would not notice another one.</remarks>
internal sealed class TraceBuilder
{
    private readonly Dictionary<ulong, int> _positions = [];
    private readonly List<ulong> _keys = [];
    private readonly List<int> _sizes = [];
    private readonly List<int> _requests = [];

    public int Count => _requests.Count;

    /// <summary>Adds a request.</summary>
    /// <param name="key">The key.</param>
    /// <param name="size">Bytes of the value; null in a trace without sizes.</param>
    public void Add(ulong key, int? size = null)
    {
        if (!_positions.TryGetValue(key, out int position))
        {
            position = _keys.Count;
            _positions.Add(key, position);
            _keys.Add(key);
            if (size is { } bytes)
                _sizes.Add(bytes);
        }
        _requests.Add(position);
    }

    public Trace Build(string name) => new(name, [.. _keys], _sizes.Count > 0 ? [.. _sizes] : null, [.. _requests]);
}
