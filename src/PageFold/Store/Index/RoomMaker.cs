using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>Makes room when an operation finds no memory: compacts, gives free frames back, and trims tables.</summary>
internal sealed class RoomMaker
{
    private const int MaxRounds = 4;

    private readonly FrameArena _arena;
    private readonly RundownGate _gate;
    private readonly ZsHeap _heap;
    private readonly SlotTable _slots;
    private readonly PatternTable _patterns;
    private readonly AccessTimes? _access;
    private readonly StoreCounters _counters;
    private readonly MemoryLoans _loans;
    private readonly Action _trimTables;
    private long _emptiedBefore;

    public RoomMaker(FrameArena arena, RundownGate gate, ZsHeap heap, SlotTable slots, PatternTable patterns, AccessTimes? access,
        StoreCounters counters, MemoryLoans loans)
    {
        _arena = arena;
        _gate = gate;
        _heap = heap;
        _slots = slots;
        _patterns = patterns;
        _access = access;
        _counters = counters;
        _loans = loans;
        _trimTables = TrimTables;
    }

    /// <summary>
    /// Begins an operation that may find no memory. The caller tries, and tries again as long as <see cref="Attempts.TryMakeRoom"/> is
    /// true.
    /// </summary>
    public Attempts Begin() => new(this);

    /// <summary>
    /// Runs something that takes memory inside the gate, making room and running it again where it finds none. If that is in vain, calls
    /// loans in and begins again. The caller is not inside and holds nothing that a task may wait for.
    /// </summary>
    public bool TryInside(Func<bool> attempt)
    {
        long loansEnded = _loans.Ended;
        if (TryInsideOnce(attempt))
            return true;
        if (!_loans.IsAny && _loans.Ended == loansEnded)
            return false;
        using MemoryLoans.Recall recall = _loans.CallIn();
        return TryInsideOnce(attempt);
    }

    private bool TryInsideOnce(Func<bool> attempt)
    {
        using RundownGate.Entry entry = _gate.Enter();
        Attempts attempts = Begin();
        bool done;
        do
            done = attempt();
        while (!done && attempts.TryMakeRoom());
        return done;
    }

    /// <summary>
    /// Gives back the parts of the tables that hold nothing, if so many pages were discarded since the last time and all other operations
    /// leave for a moment; false if nothing came of it. The caller is inside the gate and holds neither a slot nor a codec stream.
    /// </summary>
    public bool TryTrimTables(long minEmptied)
    {
        long emptied = _counters.ReadTotal(StoreCounter.Emptied);
        if (emptied - Volatile.Read(ref _emptiedBefore) < minEmptied)
            return false;
        long before = _arena.Budget.Used;
        if (!_gate.TryRunAlone(_trimTables))
            return false;
        Volatile.Write(ref _emptiedBefore, emptied);
        return _arena.Budget.Used < before || _arena.HasFree;
    }

    /// <summary>
    /// Compacts a little. If that frees nothing, or did not help so far, gives free frames back for tables to have, or else what the tables
    /// do not need. False if nothing came of it.
    /// </summary>
    private bool TryMake(int round)
    {
        bool any = _heap.TryReclaim();
        if (!any || round == MaxRounds - 1)
            any |= _arena.Trim();
        return any || TryTrimTables(minEmptied: 1 + _slots.Leaves / 4);
    }

    private void TrimTables()
    {
        _slots.TrimEmptyLeaves();
        _patterns.TrimIfEmpty();
        _access?.Trim();
    }

    /// <summary>Counts the attempts of one operation.</summary>
    internal struct Attempts(RoomMaker maker)
    {
        private int _round;

        /// <summary>
        /// Makes room for one more attempt; false if there is none, or after several attempts. The caller is inside the gate and holds
        /// neither a slot nor a codec stream: others need them meanwhile.
        /// </summary>
        public bool TryMakeRoom() => _round < MaxRounds && maker.TryMake(_round++);
    }
}
