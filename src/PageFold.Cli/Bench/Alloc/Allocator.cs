namespace PageFold.Cli.Bench.Alloc;

/// <summary>Operations for an allocator: the objects, their sizes and their contents.</summary>
/// <param name="Capacity">The maximum number of operations.</param>
internal sealed record Batch(int Capacity)
{
    public int Count { get; set; }

    /// <summary>The places of the objects in the tables of the allocators.</summary>
    public int[] Places { get; } = new int[Capacity];

    /// <summary>The sizes of the objects to allocate, in bytes.</summary>
    public int[] Sizes { get; } = new int[Capacity];

    /// <summary>The numbers of the contents.</summary>
    public int[] Numbers { get; } = new int[Capacity];

    public ReadOnlySpan<int> ChosenPlaces => Places.AsSpan(0, Count);
}

/// <summary>An allocator that is measured.</summary>
/// <remarks>It knows its objects by their places in a table, and frees the remaining ones when it is disposed.</remarks>
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
    /// <param name="batch">The objects.</param>
    /// <param name="zeroed">True if the new objects must be zeros; otherwise they are as the allocator hands them out.</param>
    public abstract void Churn(Batch batch, bool zeroed);

    /// <summary>Frees each object and allocates another in its place, with content.</summary>
    public abstract void Churn(Batch batch, Contents contents);

    /// <summary>True if an object has this content.</summary>
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
