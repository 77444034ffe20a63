namespace PageFold.Store.Index;

// Walks over ranges of pages. They cost by the leaves of the slot table that exist in the range, not by its length.
internal sealed unsafe partial class PageIndex
{
    [ThreadStatic]
    private static long _leavesWalked;

    /// <summary>Leaves that the current thread's walks have entered. For tests.</summary>
    internal static long LeavesWalked => _leavesWalked;

    /// <summary>
    /// The existing leaves of a range, as far as they lie in it, in ascending order. The walk is inside the rundown gate while the caller
    /// has a leaf, and leaves it between two.
    /// </summary>
    /// <param name="first">The first page.</param>
    /// <param name="end">The page after the last one.</param>
    public LeafWalk Leaves(long first, long end) => new(this, first, end);

    /// <summary>
    /// The first existing leaf of a range, as far as it lies in it; false if there is none. The caller is inside the gate.
    /// </summary>
    public bool TryFindLeaf(long first, long end, int stripe, out Leaf leaf)
    {
        if (first >= end || _slots.NextExisting((uint)first, (uint)(end - 1)) is not { } number)
        {
            leaf = default;
            return false;
        }
        if (number == first || (number & _slots.LeafLength - 1) == 0)
            _leavesWalked++;
        long endOfLeaf = Math.Min(end, (number | _slots.LeafLength - 1) + 1L);
        leaf = new Leaf(number, new Span<ulong>(_slots.Find(number), (int)(endOfLeaf - number)), stripe);
        return true;
    }

    /// <summary>Enumerates leaves, inside the rundown gate from one step to the next.</summary>
    internal ref struct LeafWalk(PageIndex index, long first, long end)
    {
        private Frames.RundownGate.Entry _entry;
        private Leaf _leaf;

        public readonly Leaf Current => _leaf;

        public readonly LeafWalk GetEnumerator() => this;

        public bool MoveNext()
        {
            Dispose();
            _entry = index.Enter();
            if (!index.TryFindLeaf(first, end, _entry.Stripe, out _leaf))
                return false;
            first = _leaf.End;
            return true;
        }

        public void Dispose()
        {
            _entry.Dispose();
            _entry = default;
        }
    }
}
