namespace PageFold.Store.Index;

/// <summary>
/// Slots of a range of pages, as far as they lie in one leaf of the slot table. Valid while the caller is inside the rundown gate.
/// </summary>
internal readonly ref struct Leaf
{
    private readonly Span<ulong> _slots;

    public Leaf(long first, Span<ulong> slots, int stripe)
    {
        _slots = slots;
        First = first;
        Stripe = stripe;
    }

    /// <summary>The page of the first slot.</summary>
    public long First { get; }

    /// <summary>The page after the last slot.</summary>
    public long End => First + _slots.Length;

    public int Length => _slots.Length;

    /// <summary>The processor's part of the counters, as of when the operation entered the gate.</summary>
    public int Stripe { get; }

    /// <summary>The word of a slot, by its place in the leaf.</summary>
    public ulong Word(int place) => Volatile.Read(ref _slots[place]);

    public ref ulong Slot(int place) => ref _slots[place];

    /// <summary>
    /// The first slot from a place on that holds something, or <see cref="Length"/>. Empty slots are passed over many at a time.
    /// </summary>
    public int NextStored(int from)
    {
        while (from < _slots.Length)
        {
            int next = _slots[from..].IndexOfAnyExcept(0UL);
            if (next < 0)
                return _slots.Length;
            from += next;
            // An empty slot is not zero while a thread holds it.
            if (!PageWord.IsEmpty(Word(from)))
                return from;
            from++;
        }
        return _slots.Length;
    }

    /// <summary>Goes on to the first slot from a place on that holds something; false at the end.</summary>
    public bool TryNext(ref int place) => (place = NextStored(place)) < _slots.Length;
}
