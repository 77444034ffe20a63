namespace PageFold.Mapping;

/// <summary>
/// How a window is pointed at the two frames of a straddling object and cleared again, in the order that is right on every architecture.
/// </summary>
/// <remarks>
/// No guard against preemption: a window belongs to whoever has checked it out, on whatever processor that may be, until it is given back. So nothing is used that clears or flushes for one
/// processor alone.
/// </remarks>
internal static class WindowProtocol
{
    /// <summary>Points a window that points nowhere, and that no processor remembers anything of, at two frames.</summary>
    public static void Map<TPort>(ref TPort port, uint first, uint second)
        where TPort : struct, IPageTablePort
    {
        port.Set(0, first);
        port.Set(1, second);
        // Where processors remember invalid entries (RISC-V), and where a new entry needs a barrier before it is seen (ARM).
        port.FlushRange();
    }

    /// <summary>Clears a window; afterwards no processor remembers anything of it.</summary>
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
    }
}
