namespace PageFold.Frames;

// What an owner's upkeep thread does for the arena, away from the threads that free frames.
internal sealed unsafe partial class FrameArena
{
    /// <summary>Leaves upkeep to <see cref="Decay"/> and <see cref="CollapseBlocks"/>, which the owner calls.</summary>
    /// <param name="onUpkeep">Is called, often, when one of them has work; must be cheap.</param>
    internal void DeferUpkeep(Action onUpkeep) => _onUpkeep = onUpkeep;

    /// <summary>
    /// Gives back the free frames above the mark that were not needed for 0.4 seconds, if so much time has passed since the last
    /// call.
    /// </summary>
    /// <remarks>
    /// A frame that is needed again soon costs more to give back than to keep, and giving it back splits huge pages.
    /// </remarks>
    /// <returns>True if more frames than the mark are still free, so that another call is worthwhile.</returns>
    internal bool Decay()
    {
        uint keep;
        uint free;
        lock (_lock)
        {
            free = _free.Count;
            if (free <= HighMark)
                return false;
            if (Environment.TickCount64 - _lastDecay < DecayMilliseconds)
                return true;
            uint mark = HighMark / 4 * 3;
            uint idle = _minFree > mark ? _minFree - mark : 0;
            keep = free - Math.Min(idle, free);
            _minFree = free;
            _lastDecay = Environment.TickCount64;
        }
        // If the system refuses, it will refuse again soon; the next freed frame asks again.
        if (keep < free && !TrimTo(keep))
            return false;
        lock (_lock)
            return _free.Count > HighMark;
    }
}
