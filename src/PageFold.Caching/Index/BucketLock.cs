namespace PageFold.Caching.Index;

/// <summary>
/// The header of a line: a reader-writer spin lock and the number of a further line. From the low end: writer (1), readers (7), further
/// line (24; zero for none).
/// </summary>
/// <remarks>
/// <para>
/// A writer sets its bit first and then waits for the readers, so readers cannot starve it. Who waits spins, then yields, then sleeps a
/// millisecond at a time.
/// </para>
/// <para>
/// Order: taking the lock is an interlocked operation (a full fence), so what the holder reads afterwards is at least as new as the header;
/// releasing is interlocked or a release store, so what it wrote before is visible to the next holder. While a thread holds the lock alone,
/// no other thread writes the header.
/// </para>
/// </remarks>
internal static unsafe class BucketLock
{
    public const uint MaxFurther = (1u << 24) - 1;

    private const uint Writer = 1;
    private const uint OneReader = 2;
    private const uint ReaderMask = 127 * OneReader;
    private const uint LockMask = Writer | ReaderMask;
    private const int FurtherShift = 8;

    public static void AcquireShared(BucketLine* line)
    {
        ref uint header = ref line->Header;
        uint word = Volatile.Read(ref header);
        if ((word & Writer) == 0 && (word & ReaderMask) != ReaderMask
            && Interlocked.CompareExchange(ref header, word + OneReader, word) == word)
            return;
        WaitShared(ref header);
    }

    public static void ReleaseShared(BucketLine* line) => Interlocked.Add(ref line->Header, unchecked(0U - OneReader));

    public static void AcquireExclusive(BucketLine* line)
    {
        if (!TryAcquireExclusive(line))
            WaitExclusive(ref line->Header);
    }

    /// <summary>Makes the caller the only holder if no other thread holds the lock or waits for it; never waits.</summary>
    public static bool TryAcquireExclusive(BucketLine* line)
    {
        uint word = Volatile.Read(ref line->Header);
        return (word & LockMask) == 0 && Interlocked.CompareExchange(ref line->Header, word | Writer, word) == word;
    }

    public static void ReleaseExclusive(BucketLine* line) => Volatile.Write(ref line->Header, line->Header & ~LockMask);

    /// <summary>The number of the line that continues this one; zero if there is none. The caller holds the bucket.</summary>
    public static uint Further(BucketLine* line) => line->Header >> FurtherShift;

    /// <summary>Names the line that continues this one. The caller holds the bucket alone.</summary>
    public static void SetFurther(BucketLine* line, uint number) => line->Header = line->Header & LockMask | number << FurtherShift;

    private static void WaitShared(ref uint header)
    {
        SpinWait spin = default;
        while (true)
        {
            uint word = Volatile.Read(ref header);
            if ((word & Writer) == 0 && (word & ReaderMask) != ReaderMask)
            {
                if (Interlocked.CompareExchange(ref header, word + OneReader, word) == word)
                    return;
            }
            spin.SpinOnce();
        }
    }

    private static void WaitExclusive(ref uint header)
    {
        SpinWait spin = default;
        while (true)
        {
            uint word = Volatile.Read(ref header);
            if ((word & Writer) == 0 && Interlocked.CompareExchange(ref header, word | Writer, word) == word)
                break;
            spin.SpinOnce();
        }
        while ((Volatile.Read(ref header) & ReaderMask) != 0)
            spin.SpinOnce();
    }
}
