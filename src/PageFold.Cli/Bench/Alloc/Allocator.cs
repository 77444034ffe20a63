namespace PageFold.Cli.Bench.Alloc;

/// <summary>Pieces of work for an allocator: which objects, of how many bytes, with which content.</summary>
/// <param name="Capacity">The most pieces.</param>
internal sealed record Batch(int Capacity)
{
    public int Count { get; set; }

    /// <summary>The objects' places in the tables of those that are compared.</summary>
    public int[] Places { get; } = new int[Capacity];

    /// <summary>Bytes of what is allocated.</summary>
    public int[] Sizes { get; } = new int[Capacity];

    /// <summary>The number of its content.</summary>
    public int[] Numbers { get; } = new int[Capacity];

    public ReadOnlySpan<int> ChosenPlaces => Places.AsSpan(0, Count);
}

/// <summary>One of those that are measured side by side: something that allocates and frees. It knows its objects by their places in a table. Frees what is left when disposed.</summary>
internal abstract class Allocator(string name) : IDisposable
{
    public const string PageFold = "pagefold";

    /// <summary>The allocator's name in reports.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes held by the allocator's own account; null if it keeps none.</summary>
    public virtual long? AccountedBytes => null;

    /// <summary>Allocates objects and copies their content in.</summary>
    public abstract void Fill(Batch batch, Contents contents);

    /// <summary>Frees objects.</summary>
    public abstract void Free(ReadOnlySpan<int> places);

    /// <summary>Frees each object and allocates another in its place, which is not touched afterwards.</summary>
    /// <param name="batch">Which.</param>
    /// <param name="zeroed">The new objects are to be zeros, whatever that takes; otherwise they are as the allocator hands them out.</param>
    public abstract void Churn(Batch batch, bool zeroed);

    /// <summary>Frees each object and allocates another in its place, with content.</summary>
    public abstract void Churn(Batch batch, Contents contents);

    /// <summary>True if an object's bytes are these.</summary>
    public abstract bool Holds(int place, ReadOnlySpan<byte> content);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
