namespace PageFold.Cli.Bench.Store;

/// <summary>A subject of the comparison: it stores pages and returns them.</summary>
internal abstract class Subject(string name, string algorithm) : IDisposable
{
    public const string Codec = "codec";
    public const string PageFold = "pagefold";
    public const string Zram = "zram";

    /// <summary>The subject's name in reports: one of the three above.</summary>
    public string Name { get; } = name;

    /// <summary>The codec's name, or the kernel's name of the algorithm.</summary>
    public string Algorithm { get; } = algorithm;

    /// <summary>The total size of the compressed pages, and the bytes held for them.</summary>
    public abstract (long Compressed, long Total) Memory { get; }

    /// <summary>Receives all contents that will be written next, in order; not timed.</summary>
    /// <param name="contents">The pages of the image.</param>
    public virtual void Prepare(ReadOnlySpan<int> contents)
    {
    }

    /// <summary>Makes a worker, with which one thread writes and reads.</summary>
    /// <remarks>The caller disposes it.</remarks>
    public abstract SubjectWorker CreateWorker();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>Writes and reads pages of a subject for one thread.</summary>
internal abstract class SubjectWorker : IDisposable
{
    /// <summary>Writes pages, one after the other.</summary>
    /// <param name="places">The places to write to.</param>
    /// <param name="contents">The page of the image for each place.</param>
    public abstract void Write(ReadOnlySpan<int> places, ReadOnlySpan<int> contents);

    /// <summary>Reads pages, one after the other, into a buffer that is used again.</summary>
    /// <param name="places">The places to read from.</param>
    /// <param name="contents">The page of the image that each place holds.</param>
    public abstract void Read(ReadOnlySpan<int> places, ReadOnlySpan<int> contents);

    /// <summary>The content of the page that was read last.</summary>
    public abstract ReadOnlySpan<byte> LastRead { get; }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
