using PageFold.Allocation;

namespace PageFold.Store.Index;

/// <summary>
/// A page whose slot the caller has pinned as a reader: its object neither moves nor goes, and its record in the writeback file stays,
/// until <see cref="Dispose"/>. Made by <see cref="PageIndex.Pin(ulong*, uint)"/>, inside the rundown gate.
/// </summary>
internal readonly unsafe ref struct PinnedPage
{
    private readonly ulong* _slot;

    public PinnedPage(ulong* slot, ulong word, uint number)
    {
        _slot = slot;
        Word = word;
        Number = number;
    }

    /// <summary>False if the page is not stored; then nothing is pinned.</summary>
    public bool IsStored => _slot is not null;

    /// <summary>What the slot held when it was pinned.</summary>
    public ulong Word { get; }

    public uint Number { get; }

    /// <summary>Bytes stored for the page; not for one that is same-filled.</summary>
    public int Size => SlotWord.Size(Word);

    public ref ulong Slot => ref *_slot;

    public void Dispose()
    {
        if (_slot is not null)
            SlotWord.ReleaseShared(ref *_slot);
    }
}
