namespace PageFold.Cli.Bench.Store;

/// <summary>One of those that are measured side by side: something that takes pages and gives them back.</summary>
internal abstract class Subject(string name, string algorithm) : IDisposable
{
    public const string Codec = "codec";
    public const string PageFold = "pagefold";
    public const string Zram = "zram";

    /// <summary>The subject's name in reports: one of the three above.</summary>
    public string Name { get; } = name;

    /// <summary>The codec's name.</summary>
    public string Algorithm { get; } = algorithm;

    /// <summary>Bytes that the pages come to, and bytes held for that.</summary>
    public abstract (long Compressed, long Total) Memory { get; }

    /// <summary>Tells what is going to be written next, all of it, in order; not timed.</summary>
    /// <param name="contents">The pages of the image.</param>
    public virtual void Prepare(ReadOnlySpan<int> contents)
    {
    }

    /// <summary>What one thread needs to write and read. The caller disposes it.</summary>
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
    /// <param name="places">Where.</param>
    /// <param name="contents">Which page of the image goes to each.</param>
    public abstract void Write(ReadOnlySpan<int> places, ReadOnlySpan<int> contents);

    /// <summary>Reads pages into a buffer that stays the same, one after the other.</summary>
    /// <param name="places">Where from.</param>
    /// <param name="contents">Which page of the image each holds.</param>
    public abstract void Read(ReadOnlySpan<int> places, ReadOnlySpan<int> contents);

    /// <summary>The page that was read last.</summary>
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
