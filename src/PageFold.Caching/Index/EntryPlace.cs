namespace PageFold.Caching.Index;

/// <summary>Where an entry is in the index: a line and a slot of it. Valid while the lock under which it was found is held.</summary>
/// <remarks>Lines begin at multiples of 64 bytes, so the slot fits into the address's low bits.</remarks>
internal readonly unsafe record struct EntryPlace
{
    private const nuint SlotMask = BucketLine.Size - 1;

    private readonly nuint _bits;

    internal EntryPlace(BucketLine* line, int slot) => _bits = (nuint)line | (uint)slot;

    internal BucketLine* Line => (BucketLine*)(_bits & ~SlotMask);

    internal int Slot => (int)(_bits & SlotMask);

    public ulong Location => BucketLine.Location(Line, Slot);

    public EntryState State => BucketLine.State(Line, Slot);

    /// <summary>Counts a hit. Readers may do so.</summary>
    public void Touch() => BucketLine.Touch(Line, Slot);

    /// <summary>Puts another state in place of the entry's. The caller holds the entry alone.</summary>
    public void SetState(EntryState state) => BucketLine.SetState(Line, Slot, state);

    /// <summary>Puts another location in place of the entry's; its state stays. The caller holds the entry alone.</summary>
    public void SetLocation(ulong location) => BucketLine.SetLocation(Line, Slot, location);
}
