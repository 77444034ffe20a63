using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Store.Codecs;

/// <summary>
/// A store's codecs by number, 0 to 3; a slot tells its page's codec by that number. A number is given to another codec, or to none, only
/// when nothing is stored with it.
/// Changes are made under <see cref="Changes"/>; which codec new writes use is read without.
/// </summary>
internal sealed class CodecTable(MemoryBudget budget)
{
    private readonly PageCodec?[] _codecs = new PageCodec?[PageWord.MaxCodecs];
    private readonly long[] _charged = new long[PageWord.MaxCodecs];
    private readonly long[] _contextBytes = new long[PageWord.MaxCodecs];
    private readonly long[] _order = new long[PageWord.MaxCodecs];
    private readonly int[] _holds = new int[PageWord.MaxCodecs];
    private readonly bool[] _cameForRun = new bool[PageWord.MaxCodecs];
    private long _added;
    private int _forWrites;

    /// <summary>Taken before a codec stream, never by a thread that holds a stream or a slot.</summary>
    public Lock Changes { get; } = new();

    /// <summary>The number that new writes use; a writer reads it when it has its stream.</summary>
    public int ForWrites
    {
        get => Volatile.Read(ref _forWrites);
        set => Volatile.Write(ref _forWrites, value);
    }

    /// <summary>
    /// True while a snapshot is being taken: its file names the codecs, so none may come or go. Read and changed under
    /// <see cref="Changes"/>.
    /// </summary>
    public bool AreFrozen { get; set; }

    /// <summary>
    /// The number that the last recompression made pages denser with; -1 if its codec has gone. Read and changed under <see
    /// cref="Changes"/>.
    /// </summary>
    public int Latest { get; set; } = -1;

    public PageCodec? this[int number] => Volatile.Read(ref _codecs[number]);

    /// <summary>The number of a codec, or of the first that has none (null); -1 if there is no such.</summary>
    public int NumberOf(PageCodec? codec) => Array.IndexOf(_codecs, codec);

    /// <summary>What a context is known to take; zero if none was made yet.</summary>
    public long ContextBytes(int number) => Volatile.Read(ref _contextBytes[number]);

    public void NoteContextBytes(int number, long bytes) => Volatile.Write(ref _contextBytes[number], bytes);

    /// <summary>When a number's codec came: the one with the larger order is the newer.</summary>
    public long Order(int number) => _order[number];

    /// <summary>Charges what a codec's contexts share, as far as it is not charged already; false when there is no memory for it.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="charged">What is charged; afterwards what the codec claims, if there was memory for it.</param>
    /// <param name="claimed">What the codec claims.</param>
    /// <exception cref="ArgumentException">The codec says that it takes less than nothing.</exception>
    public bool TryCharge(PageCodec codec, ref long charged, out long claimed)
    {
        claimed = CodecThrow.IfClaimInvalid(codec.SharedBytes, codec, nameof(PageCodec.SharedBytes));
        return budget.Faults?.ShouldRefuse() != true && budget.TryAdjust(ref charged, claimed);
    }

    public void Release(long charged) => budget.Release(charged);

    /// <summary>
    /// Gives a number to a codec, with what was charged for it, and releases exactly what was charged for the codec that had it.
    /// </summary>
    public void Set(int number, PageCodec? codec, long charged, long contextBytes)
    {
        long before = _charged[number];
        _charged[number] = charged;
        _order[number] = ++_added;
        _cameForRun[number] = false;
        if (Latest == number)
            Latest = -1;
        NoteContextBytes(number, contextBytes);
        Volatile.Write(ref _codecs[number], codec);
        Release(before);
    }

    /// <summary>Notes what is charged for a number's codec now.</summary>
    public void NoteCharge(int number, long charged) => _charged[number] = charged;

    /// <summary>
    /// True if a recompression brought a number's codec and the caller did not ask for it: it may go when nothing is stored with it.
    /// </summary>
    public bool CameForRun(int number) => _cameForRun[number];

    public void NoteCameForRun(int number, bool value) => _cameForRun[number] = value;

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
        foreach (long charged in _charged)
            Release(charged);
    }
}
