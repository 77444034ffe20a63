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
/// size minus one (16), owner's bits (3), location (35). Kinds without an object have the upper 54 bits as payload.
/// The owner's bits mean what the owner of the table wants; they stay with the object when compaction moves it.
/// </summary>
/// <remarks>
/// <para>
/// The lock is a reader-writer spin lock. A reader pins: the object neither moves nor goes while the count of readers is not zero. A
/// writer sets its bit first and then waits for the readers, so readers cannot starve it. Compaction only tries, and never waits.
/// </para>
/// <para>
/// Order: taking the lock is an interlocked operation (a full fence), so what the holder reads afterwards is at least as new as the word;
/// releasing is interlocked or a release store, so what it wrote before is visible to the next holder.
/// </para>
/// </remarks>
internal static class SlotWord
{
    public const int SizeBits = 16;
    public const int OwnerBits = 3;
    public const int LocationBits = ObjectLocation.BitCount;
    public const int MaxReaders = 127;

    private const int KindBits = 2;
    private const int SizeShift = 10;
    private const int OwnerShift = SizeShift + SizeBits;
    private const int LocationShift = OwnerShift + OwnerBits;
    private const ulong KindMask = (1UL << KindBits) - 1;
    private const ulong Writer = 1UL << KindBits;
    private const ulong OneReader = Writer << 1;
    private const ulong ReaderMask = MaxReaders * OneReader;
    private const ulong LockMask = Writer | ReaderMask;
    private const ulong LocationMask = ~0UL << LocationShift;

    // Both kinds of object have it, and they alone.
    private const ulong ObjectBit = (ulong)SlotKind.Object;

    public static ulong ForObject(ObjectLocation location, int size, int owner = 0) =>
        (ulong)SlotKind.Object | (ulong)(uint)(size - 1) << SizeShift | (ulong)(uint)owner << OwnerShift | location.Bits << LocationShift;

    /// <summary>The word of an object that lies in a class which is not the one of its size.</summary>
    public static ulong ForMisplacedObject(ObjectLocation location, int size, int owner = 0) =>
        ForObject(location, size, owner) | (ulong)SlotKind.MisplacedObject;

    /// <summary>The same word with some of the owner's bits set.</summary>
    public static ulong WithOwnerBits(ulong word, int bits) => word | (ulong)(uint)bits << OwnerShift;

    /// <summary>Sets some of the owner's bits in a slot that the caller holds, as a reader or alone.</summary>
    public static void SetOwnerBits(ref ulong slot, int bits) => Interlocked.Or(ref slot, (ulong)(uint)bits << OwnerShift);

    /// <summary>The word of the same object in another place of its class.</summary>
    public static ulong MovedTo(ulong word, ObjectLocation location) =>
        word & ~(LocationMask | LockMask) | ForObject(location, 1) & LocationMask;

    public static ulong ForPayload(SlotKind kind, ulong payload) => (ulong)kind | payload << SizeShift;

    public static SlotKind Kind(ulong word) => (SlotKind)(word & KindMask);

    /// <summary>True if the slot holds an object, wherever it lies.</summary>
    public static bool HoldsObject(ulong word) => (word & ObjectBit) != 0;

    public static ulong Payload(ulong word) => word >> SizeShift;

    public static int Size(ulong word) => (int)(word >> SizeShift & (1UL << SizeBits) - 1) + 1;

    /// <summary>The bits whose meaning is the owner's.</summary>
    public static int Owner(ulong word) => (int)(word >> OwnerShift & (1UL << OwnerBits) - 1);

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

    /// <summary>Makes the caller the only holder if the slot is free and holds exactly <paramref name="expected"/>.</summary>
    public static bool TryAcquireExclusive(ref ulong slot, ulong expected) =>
        Interlocked.CompareExchange(ref slot, expected | Writer, expected) == expected;

    /// <summary>
    /// Makes a reader the only holder if no other thread holds the slot or waits for it; otherwise it stays a reader.
    /// <paramref name="word"/> is what the slot holds.
    /// </summary>
    public static bool TryUpgrade(ref ulong slot, ulong word)
    {
        ulong alone = Unlocked(word);
        return Interlocked.CompareExchange(ref slot, alone | Writer, alone + OneReader) == alone + OneReader;
    }

    /// <summary>Ends exclusive holding and leaves <paramref name="word"/> in the slot.</summary>
    public static void ReleaseExclusive(ref ulong slot, ulong word) => Volatile.Write(ref slot, word);

    /// <summary>Ends exclusive holding, leaves <paramref name="word"/> in the slot, and makes the caller a reader of it.</summary>
    public static void Downgrade(ref ulong slot, ulong word) => Volatile.Write(ref slot, Unlocked(word) + OneReader);

    /// <summary>True if the unlocked word holds the object at this location.</summary>
    public static bool IsAt(ulong word, ObjectLocation location) =>
        (word & (ObjectBit | LocationMask)) == (ForObject(location, 1) & (ObjectBit | LocationMask));
}
