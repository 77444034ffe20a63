namespace PageFold.Cli.Bench.Map;

/// <summary>A pool with objects of one size, of which enough straddle two frames and enough do not.</summary>
/// <remarks>
/// In a fresh pool few objects straddle, because frames taken one after the other are adjacent, and an object across their border is
/// contiguous. So frames are taken first and every second one is freed: later objects lie in frames without neighbours.
/// </remarks>
internal sealed class PlacedObjects : IDisposable
{
    /// <summary>The maximum memory that placing takes, as a multiple of the bytes of the wanted objects.</summary>
    public const int MemoryFactor = 6;

    private readonly List<int> _straddling = [];
    private readonly List<int> _contiguous = [];
    private readonly List<ZsHandle> _handles = [];
    private readonly Contents _contents;

    /// <param name="size">Bytes in an object.</param>
    /// <param name="wanted">The number of objects of each kind; there may be fewer.</param>
    /// <param name="contents">The contents of the objects.</param>
    /// <param name="cancellation">Cancels placing.</param>
    /// <param name="options">The options of the pool.</param>
    public PlacedObjects(int size, int wanted, Contents contents, CancellationToken cancellation, ZsPoolOptions? options = null)
    {
        Size = size;
        Pool = new ZsPool(options ?? new ZsPoolOptions());
        _contents = contents;
        bool complete = false;
        try
        {
            Place(wanted, cancellation);
            complete = true;
        }
        finally
        {
            if (!complete)
                Dispose();
        }
    }

    public int Size { get; }

    public ZsPool Pool { get; }

    public int Straddling => _straddling.Count;

    public int Contiguous => _contiguous.Count;

    public ZsHandle Handle(int number) => _handles[number];

    public ReadOnlySpan<byte> Content(int number) => _contents[number, Size];

    /// <summary>Chooses objects at random, so that they are spread over the pool whatever their share is.</summary>
    /// <returns>The numbers of the objects, in random order.</returns>
    public int[] Choose(int straddling, int contiguous, Random random)
    {
        int[] crossing = [.. _straddling];
        int[] whole = [.. _contiguous];
        random.Shuffle(crossing);
        random.Shuffle(whole);
        int[] chosen = [.. crossing.AsSpan(0, straddling), .. whole.AsSpan(0, contiguous)];
        random.Shuffle(chosen);
        return chosen;
    }

    public bool Straddles(int number)
    {
        using ZsReadView view = Pool.ViewRead(_handles[number]);
        return view.Second.Length > 0;
    }

    public void Dispose() => Pool.Dispose();

    private void Place(int wanted, CancellationToken cancellation)
    {
        // Most frames have one object across their end. Small objects need many frames to find enough, so there is a limit.
        long bytes = (long)wanted * Size;
        long frame = Pool.MaxObjectSize;
        long holes = Math.Min(2 * bytes, wanted * frame + wanted * frame / 8);
        Scatter(holes / frame, cancellation);
        long placed = 0;
        while (placed < holes && (Straddling < wanted || Contiguous < wanted))
            placed += Add(cancellation);
        // Beyond the holes, frames are adjacent again.
        for (placed = 0; placed < bytes + frame && Contiguous < wanted;)
            placed += Add(cancellation);
    }

    /// <summary>Leaves free frames without free neighbours.</summary>
    private void Scatter(long frames, CancellationToken cancellation)
    {
        List<ZsHandle> holes = [];
        for (long i = 0; i < frames; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            holes.Add(Pool.Allocate(Pool.MaxObjectSize));
            Pool.Allocate(Pool.MaxObjectSize);
        }
        foreach (ZsHandle hole in holes)
            Pool.Free(hole);
    }

    private int Add(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        int number = _handles.Count;
        _handles.Add(Pool.Allocate(Content(number)));
        (Straddles(number) ? _straddling : _contiguous).Add(number);
        return Size;
    }
}
