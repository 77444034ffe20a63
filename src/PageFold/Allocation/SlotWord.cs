namespace PageFold.Allocation;

/// <summary>What a slot holds.</summary>
internal enum SlotKind
{
    /// <summary>Nothing. The payload is the table owner's to use.</summary>
    Empty,

    /// <summary>An object: its size and location.</summary>
    Object,

    /// <summary>A value that needs no object; the payload is the table owner's to use.</summary>
    Value,

    /// <summary>An object that lies where a larger one was, and so in another class than its size says.</summary>
    MisplacedObject,
}

/// <summary>How an attempt to become a reader ended.</summary>
internal enum SharedOutcome
{
    /// <summary>The caller is a reader now.</summary>
    Acquired,

    /// <summary>The slot holds nothing.</summary>
    Empty,

    /// <summary>There are as many readers as can be counted.</summary>
    Saturated,
}

/// <summary>
/// The layout of a slot: 64 bits that say where an object is, and lock it. From the low end: kind (2), writer (1), readers (7),
/// size minus one (16), codec number (2), settled (1), location (35). Kinds without an object have the upper 54 bits as payload.
/// Codec number and settled say what the object's bytes are, for the table's owner; they stay with the object wherever it moves.
/// </summary>
/// <remarks>
/// <para>
/// The lock is a reader-writer spin lock. A reader pins: what the slot holds neither moves nor goes while a reader counts. A writer announces itself first and
/// then waits for the readers, so readers cannot starve it. Compaction only ever tries.
/// </para>
/// <para>
/// Order: taking the lock is an interlocked operation (a full fence), so what the holder reads afterwards is at least as new as the word;
/// releasing is interlocked or a release store, so what it wrote before is visible to the next holder.
/// </para>
/// </remarks>
internal static class SlotWord
{
    public const int SizeBits = 16;
    public const int CodecBits = 2;
    public const int LocationBits = 35;
    public const int MaxReaders = 127;

    private const int KindBits = 2;
    private const int SizeShift = 10;
    private const int CodecShift = SizeShift + SizeBits;
    private const int SettledShift = CodecShift + CodecBits;
    private const int LocationShift = SettledShift + 1;
    private const ulong KindMask = (1UL << KindBits) - 1;
    private const ulong Writer = 1UL << KindBits;
    private const ulong OneReader = Writer << 1;
    private const ulong ReaderMask = MaxReaders * OneReader;
    private const ulong LockMask = Writer | ReaderMask;
    private const ulong SettledBit = 1UL << SettledShift;
    private const ulong LocationMask = ~0UL << LocationShift;

    // Both kinds of object have it, and they alone.
    private const ulong ObjectBit = (ulong)SlotKind.Object;

    public static ulong ForObject(ObjectLocation location, int size, int codec = 0) =>
        (ulong)SlotKind.Object | (ulong)(uint)(size - 1) << SizeShift | (ulong)(uint)codec << CodecShift | location.Bits << LocationShift;

    /// <summary>The word of an object in a class that is not its size's.</summary>
    public static ulong ForMisplacedObject(ObjectLocation location, int size, int codec = 0) => ForObject(location, size, codec) | (ulong)SlotKind.MisplacedObject;

    /// <summary>The same word, with the note that nothing is gained by trying another codec.</summary>
    public static ulong Settled(ulong word) => word | SettledBit;

    /// <summary>Makes that note in a slot that the caller holds, shared with others or not.</summary>
    public static void Settle(ref ulong slot) => Interlocked.Or(ref slot, SettledBit);

    /// <summary>The word of the same object in another place of its class.</summary>
    public static ulong MovedTo(ulong word, ObjectLocation location) => word & ~(LocationMask | LockMask) | ForObject(location, 1) & LocationMask;

    public static ulong ForPayload(SlotKind kind, ulong payload) => (ulong)kind | payload << SizeShift;

    public static SlotKind Kind(ulong word) => (SlotKind)(word & KindMask);

    /// <summary>True if the slot holds an object, wherever it lies.</summary>
    public static bool HoldsObject(ulong word) => (word & ObjectBit) != 0;

    public static ulong Payload(ulong word) => word >> SizeShift;

    public static int Size(ulong word) => (int)(word >> SizeShift & (1UL << SizeBits) - 1) + 1;

    /// <summary>The codec that made the object's bytes, by the owner's number.</summary>
    public static int Codec(ulong word) => (int)(word >> CodecShift & (1UL << CodecBits) - 1);

    public static bool IsSettled(ulong word) => (word & SettledBit) != 0;

    public static ObjectLocation Location(ulong word) => new(word >> LocationShift);

    public static int Readers(ulong word) => (int)((word & ReaderMask) >> KindBits + 1);

    public static bool IsLocked(ulong word) => (word & LockMask) != 0;

    public static ulong Unlocked(ulong word) => word & ~LockMask;

    /// <summary>
    /// Adds a reader to a slot that holds something, waiting while a writer has it. <paramref name="word"/> is what the slot holds.
    /// </summary>
    public static SharedOutcome TryAcquireShared(ref ulong slot, out ulong word)
    {
        SpinWait spin = default;
        while (true)
        {
            word = Volatile.Read(ref slot);
            if ((word & Writer) == 0)
            {
                if (Kind(word) == SlotKind.Empty)
                    return SharedOutcome.Empty;
                if ((word & ReaderMask) == ReaderMask)
                    return SharedOutcome.Saturated;
                if (Interlocked.CompareExchange(ref slot, word + OneReader, word) == word)
                    return SharedOutcome.Acquired;
            }
            spin.SpinOnce();
        }
    }

    public static void ReleaseShared(ref ulong slot) => Interlocked.Add(ref slot, unchecked(0UL - OneReader));

    /// <summary>Makes the caller the slot's only holder, waiting for others; returns what it holds, without the lock's bits.</summary>
    public static ulong AcquireExclusive(ref ulong slot)
    {
        SpinWait spin = default;
        while (true)
        {
            ulong word = Volatile.Read(ref slot);
            if ((word & Writer) == 0 && Interlocked.CompareExchange(ref slot, word | Writer, word) == word)
                break;
            spin.SpinOnce();
        }
        while (true)
        {
            ulong word = Volatile.Read(ref slot);
            if ((word & ReaderMask) == 0)
                return Unlocked(word);
            spin.SpinOnce();
        }
    }

    /// <summary>Makes the caller the only holder if nobody holds the slot and it holds exactly <paramref name="expected"/>.</summary>
    public static bool TryAcquireExclusive(ref ulong slot, ulong expected) =>
        Interlocked.CompareExchange(ref slot, expected | Writer, expected) == expected;

    /// <summary>Makes a reader the only holder if nobody else holds the slot or waits for it; otherwise it stays a reader. <paramref name="word"/> is what the slot holds.</summary>
    public static bool TryUpgrade(ref ulong slot, ulong word)
    {
        ulong alone = Unlocked(word);
        return Interlocked.CompareExchange(ref slot, alone | Writer, alone + OneReader) == alone + OneReader;
    }

    /// <summary>Ends exclusive holding and leaves <paramref name="word"/> in the slot.</summary>
    public static void ReleaseExclusive(ref ulong slot, ulong word) => Volatile.Write(ref slot, word);

    /// <summary>True if the unlocked word holds the object at this location.</summary>
    public static bool IsAt(ulong word, ObjectLocation location) =>
        (word & (ObjectBit | LocationMask)) == (ForObject(location, 1) & (ObjectBit | LocationMask));
}

/// <summary>
/// Where an object is, in the 35 bits that a slot has for it: the number of its zspage and, in the low bits, its index there. How many bits the index has depends on the frame size
/// (<see cref="ZspageGeometry.IndexBitsFor"/>), so only the heap takes a location apart.
/// </summary>
internal readonly record struct ObjectLocation(ulong Bits)
{
    public ObjectLocation(uint zspage, int index, int indexBits)
        : this((ulong)zspage << indexBits | (uint)index)
    {
    }

    public uint Zspage(int indexBits) => (uint)(Bits >> indexBits);

    public int Index(int indexBits) => (int)Bits & (1 << indexBits) - 1;
}
