namespace PageFold.Mapping;

/// <summary>The operations of a mapping protocol on the page tables of a window, in the kernel's terms.</summary>
/// <remarks>
/// The protocol is written once against this interface. It runs on the operating system's page tables, on a simulated machine, or on a
/// recorder.
/// </remarks>
internal interface IPageTablePort
{
    /// <summary>
    /// Takes a window for exclusive use until <see cref="ReturnWindow"/>; false if none is free, then no other call may follow.
    /// </summary>
    public bool TryTakeWindow();

    /// <summary>Gives the window back, for other threads to take.</summary>
    public void ReturnWindow();

    /// <summary>preempt_disable: the caller stays on its processor until <see cref="PreemptEnable"/>.</summary>
    public void PreemptDisable();

    /// <summary>preempt_enable.</summary>
    public void PreemptEnable();

    /// <summary>arch_enter_lazy_mmu_mode: the kernel may batch the changes that follow.</summary>
    public void EnterLazyMmu();

    /// <summary>arch_leave_lazy_mmu_mode: the kernel completes the batched changes.</summary>
    public void LeaveLazyMmu();

    /// <summary>set_pte_at: maps a page of the window, which is not mapped, to a frame.</summary>
    /// <param name="page">0 or 1.</param>
    /// <param name="frame">The frame's number.</param>
    public void Set(int page, uint frame);

    /// <summary>ptep_get_and_clear: unmaps a page of the window.</summary>
    public void GetAndClear(int page);

    /// <summary>Flushes a page of the window from the TLB of this processor.</summary>
    public void FlushLocal(int page);

    /// <summary>flush_tlb_kernel_range: flushes both pages from the TLBs of all processors.</summary>
    public void FlushRange();
}
