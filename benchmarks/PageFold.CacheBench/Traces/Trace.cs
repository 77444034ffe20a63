namespace PageFold.CacheBench.Traces;

/// <summary>Requests for keys, in order.</summary>
/// <remarks>A key is the position of its first request among those of all keys, so that what is known of it lies in arrays.</remarks>
/// <param name="Name">The name in tables and reports.</param>
/// <param name="Keys">The distinct keys, in the order of their first requests.</param>
/// <param name="Sizes">Bytes of each distinct key's value, as its first request states; null if the trace has no sizes.</param>
/// <param name="Requests">For each request the position of its key.</param>
internal sealed record Trace(string Name, ulong[] Keys, int[]? Sizes, int[] Requests)
{
    /// <summary>Bytes of the values of all distinct keys; zero if the trace has no sizes.</summary>
    public long DistinctBytes { get; } = Sizes?.Sum(size => (long)size) ?? 0;
}
