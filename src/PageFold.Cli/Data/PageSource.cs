namespace PageFold.Cli.Data;

/// <summary>A run of pages of an item that is read in one call.</summary>
/// <param name="Item">The number of the item (file, mapping) in the source.</param>
/// <param name="Offset">The offset of the run in the item, in bytes.</param>
/// <param name="Pages">The number of pages, of which the last may be short.</param>
/// <param name="FirstPage">The number of the first page among all chosen pages.</param>
/// <param name="IsHole">True if it is a part of a hole of a sparse file: zeros that are not read.</param>
internal readonly record struct Extent(int Item, long Offset, int Pages, int FirstPage, bool IsHole);

/// <summary>Consecutive pages of an item.</summary>
/// <param name="Item">The number of the item in the source.</param>
/// <param name="Offset">The offset in the item, in bytes.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="IsHole">True if they are a hole of a sparse file.</param>
internal readonly record struct Run(int Item, long Offset, long Pages, bool IsHole);

/// <summary>Real data as pages, split into extents of which an even sample can be chosen.</summary>
internal abstract class PageSource(int pageSize) : IDisposable
{
    /// <summary>Pages in an extent: 256 KiB of 4 KiB pages.</summary>
    protected const int PagesPerExtent = 64;

    // A hash, a flag and a place in the random order, and overhead of the runtime.
    private const int BytesRememberedPerPage = 24;

    private readonly List<Extent> _extents = [];

    public int PageSize { get; } = pageSize;

    /// <summary>A description of the data, escaped for messages.</summary>
    public abstract string Description { get; }

    /// <summary>The chosen extents, in the order of the data.</summary>
    public IReadOnlyList<Extent> Extents => _extents;

    /// <summary>Pages in all chosen extents.</summary>
    public int Pages { get; private set; }

    /// <summary>The number of pages found, chosen or not.</summary>
    public long PagesFound { get; private set; }

    /// <summary>Items that could not be read at all.</summary>
    public SkippedItems Skipped { get; } = new();

    /// <summary>Files that were left out because tables may be trained on them.</summary>
    public int FilesLeftOut { get; protected set; }

    /// <summary>A description of the data and of what could not be read.</summary>
    public string FullDescription => Skipped.Count == 0 ? Description : $"{Description} ({Skipped.Description})";

    /// <summary>True if a file is a part of the data.</summary>
    /// <param name="path">Its full path.</param>
    public virtual bool Holds(string path) => false;

    /// <summary>Reads the pages of an extent; the rest of a short last page is zeros.</summary>
    /// <param name="extent">One of <see cref="Extents"/>.</param>
    /// <param name="buffer">Room for the pages of the largest extent.</param>
    /// <returns>Whole pages read from the beginning of the extent; fewer than it has if the data shrank or vanished meanwhile.</returns>
    public abstract int Read(Extent extent, Span<byte> buffer);

    /// <summary>Bytes of zeros that fill the last page of an extent; they count as data like the rest of the page.</summary>
    public virtual long PaddingOf(Extent extent) => 0;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Chooses extents evenly from runs of pages: all of them or a sample.</summary>
    /// <param name="runs">All runs.</param>
    /// <param name="sampleBytes">The approximate size of the sample, never exceeded; null for all.</param>
    protected void Choose(IReadOnlyList<Run> runs, long? sampleBytes)
    {
        PagesFound = runs.Sum(run => run.Pages);
        long wanted = Math.Min(PagesFound, Math.Min(sampleBytes / PageSize ?? long.MaxValue, Array.MaxLength));
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 / BytesRememberedPerPage;
        if (wanted > most)
        {
            throw new UserErrorException(
                $"{wanted:N0} pages are too many: the memory suffices to verify {most:N0}; measure a part with --sample.");
        }
        double share = PagesFound == 0 ? 0 : (double)wanted / PagesFound;
        double credit = 0;
        foreach (Run run in runs)
        {
            for (long done = 0; done < run.Pages; done += PagesPerExtent)
            {
                int count = (int)Math.Min(PagesPerExtent, run.Pages - done);
                credit += count * share;
                if (credit <= 0 || Pages >= wanted)
                    continue;
                credit -= count;
                count = (int)Math.Min(count, wanted - Pages);
                _extents.Add(new Extent(run.Item, run.Offset + done * PageSize, count, Pages, run.IsHole));
                Pages += count;
            }
        }
    }
}
