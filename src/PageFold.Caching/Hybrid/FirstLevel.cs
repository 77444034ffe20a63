using Microsoft.Extensions.Caching.Memory;

namespace PageFold.Caching.Hybrid;

/// <summary>The first level of the HybridCaches over one PageFold cache.</summary>
internal sealed class FirstLevel : IDisposable
{
    private readonly BoundedMemory? _bounded;

    public FirstLevel(HybridCacheFirstLevel kind, long bytes, TimeProvider? clock)
    {
        Kind = kind;
        _bounded = kind == HybridCacheFirstLevel.Bounded ? new BoundedMemory(bytes, clock ?? TimeProvider.System) : null;
        Memory = kind == HybridCacheFirstLevel.Off ? NoMemory.Instance : _bounded;
    }

    public HybridCacheFirstLevel Kind { get; }

    /// <summary>The store of the first level; null for that of the application.</summary>
    public IMemoryCache? Memory { get; }

    public void Dispose() => _bounded?.Dispose();
}
