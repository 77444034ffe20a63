namespace PageFold.Mapping;

/// <summary>
/// Maps a window to the two frames of a straddling object and clears it again, in an order that is correct on all architectures.
/// </summary>
/// <remarks>
/// Preemption needs no guard: a window belongs to the thread that took it until that thread returns it, on whatever processor it runs. So
/// every clear and every flush must reach all processors.
/// </remarks>
internal static class WindowProtocol
{
    /// <summary>Takes a window and maps it to two frames; false if none is free.</summary>
    /// <remarks>A free window is not mapped, and no TLB holds an entry of it.</remarks>
    public static bool TryMap<TPort>(ref TPort port, uint first, uint second)
        where TPort : struct, IPageTablePort
    {
        if (!port.TryTakeWindow())
            return false;
        port.Set(0, first);
        port.Set(1, second);
        // For processors that cache invalid entries (RISC-V), and where a new entry needs a barrier to become visible (ARM).
        port.FlushRange();
        return true;
    }

    /// <summary>Clears the window and returns it when no TLB holds an entry of it.</summary>
    public static void Unmap<TPort>(ref TPort port)
        where TPort : struct, IPageTablePort
    {
        // A batch of a caller would delay the invalidation (the hash table of PPC64). Leaving a nested batch completes all of it.
        port.EnterLazyMmu();
        port.GetAndClear(0);
        port.GetAndClear(1);
        port.LeaveLazyMmu();
        // After the clear, so that no TLB caches an entry again; on all processors, because each may have read it. Then the window is free.
        port.FlushRange();
        port.ReturnWindow();
    }
}
