using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// A store's codecs by number, 0 to 3; a slot tells its page's codec by that number. A number is given to another codec only when nothing is stored with it.
/// Changes are made under <see cref="Changes"/>; which codec new writes use is read without.
/// </summary>
internal sealed class CodecTable(MemoryBudget budget)
{
    public const int Most = 4;

    private readonly PageCodec?[] _codecs = new PageCodec?[Most];
    private readonly long[] _contextBytes = new long[Most];
    private readonly int[] _holds = new int[Most];
    private int _forWrites;

    /// <summary>Taken before a workbench, never by one who holds a workbench or a slot.</summary>
    public Lock Changes { get; } = new();

    /// <summary>The number that new writes use; a writer reads it when it has its workbench.</summary>
    public int ForWrites
    {
        get => Volatile.Read(ref _forWrites);
        set => Volatile.Write(ref _forWrites, value);
    }

    /// <summary>True while a snapshot is being taken, whose file names the codecs there are: no further one may come. Read and changed under <see cref="Changes"/>.</summary>
    public bool AreFrozen { get; set; }

    public PageCodec? this[int number] => Volatile.Read(ref _codecs[number]);

    /// <summary>The number of a codec, or of the first that has none (null); -1 if there is no such.</summary>
    public int NumberOf(PageCodec? codec) => Array.IndexOf(_codecs, codec);

    /// <summary>What a context is known to take; zero if none was made yet.</summary>
    public long ContextBytes(int number) => Volatile.Read(ref _contextBytes[number]);

    public void NoteContextBytes(int number, long bytes) => Volatile.Write(ref _contextBytes[number], bytes);

    /// <summary>Charges what a codec's contexts share.</summary>
    public bool TryCharge(PageCodec codec) => budget.Faults?.ShouldRefuse() != true && budget.TryCharge(codec.SharedBytes);

    public void Release(PageCodec? codec) => budget.Release(codec?.SharedBytes ?? 0);

    /// <summary>Gives a number to a codec that is charged, and releases the codec that had it.</summary>
    public void Set(int number, PageCodec codec, long contextBytes)
    {
        PageCodec? old = _codecs[number];
        NoteContextBytes(number, contextBytes);
        Volatile.Write(ref _codecs[number], codec);
        Release(old);
    }

    public bool IsHeld(int number) => _holds[number] != 0;

    /// <summary>Keeps a number with its codec although nothing may be stored with it at the moment.</summary>
    public void Hold(int number) => _holds[number]++;

    public void EndHold(int number)
    {
        lock (Changes)
            _holds[number]--;
    }

    public void Free()
    {
        foreach (PageCodec? codec in _codecs)
            Release(codec);
    }
}
