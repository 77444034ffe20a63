namespace PageFold.Mapping;

/// <summary>
/// How a window is pointed at the two frames of a straddling object and cleared again, in the order that is right on every architecture.
/// </summary>
/// <remarks>
/// No guard against preemption: a window belongs to whoever has taken it, on whatever processor that may be, until it is given back. So nothing is used that clears or flushes for one
/// processor alone.
/// </remarks>
internal static class WindowProtocol
{
    /// <summary>Takes a window, which points nowhere and which no processor remembers anything of, and points it at two frames; false if none is free.</summary>
    public static bool TryMap<TPort>(ref TPort port, uint first, uint second)
        where TPort : struct, IPageTablePort
    {
        if (!port.TryTakeWindow())
            return false;
        port.Set(0, first);
        port.Set(1, second);
        // Where processors remember invalid entries (RISC-V), and where a new entry needs a barrier before it is seen (ARM).
        port.FlushRange();
        return true;
    }

    /// <summary>Clears the window and gives it back when no processor remembers anything of it.</summary>
    public static void Unmap<TPort>(ref TPort port)
        where TPort : struct, IPageTablePort
    {
        // A batch of somebody further out would put the invalidation off (the hash table of PPC64); leaving one does what is left of all.
        port.EnterLazyMmu();
        port.GetAndClear(0);
        port.GetAndClear(1);
        port.LeaveLazyMmu();
        // After the clear, so that nothing is remembered anew, and everywhere, because any processor may have looked. Only then may the window be used again.
        port.FlushRange();
        port.ReturnWindow();
    }
}
