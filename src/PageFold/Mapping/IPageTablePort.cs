namespace PageFold.Mapping;

/// <summary>
/// What a mapping protocol does to the page tables of a window, in the kernel's terms. The protocol is written once against this and runs over the operating system's page tables, over a
/// simulated machine, or over a recorder.
/// </summary>
internal interface IPageTablePort
{
    /// <summary>Takes a window that is nobody else's until <see cref="ReturnWindow"/>; false, and then nothing else may be called, if none is free.</summary>
    public bool TryTakeWindow();

    /// <summary>Gives the window back; the next may take it from now on.</summary>
    public void ReturnWindow();

    /// <summary>preempt_disable: until <see cref="PreemptEnable"/> the caller stays on its processor.</summary>
    public void PreemptDisable();

    /// <summary>preempt_enable.</summary>
    public void PreemptEnable();

    /// <summary>arch_enter_lazy_mmu_mode: what follows may be batched.</summary>
    public void EnterLazyMmu();

    /// <summary>arch_leave_lazy_mmu_mode: what was batched is done.</summary>
    public void LeaveLazyMmu();

    /// <summary>set_pte_at: points a page of the window, which points nowhere, at a frame.</summary>
    /// <param name="page">0 or 1.</param>
    /// <param name="frame">The frame's number.</param>
    public void Set(int page, uint frame);

    /// <summary>ptep_get_and_clear: has a page of the window point nowhere.</summary>
    public void GetAndClear(int page);

    /// <summary>Has this processor forget what it knows of a page of the window.</summary>
    public void FlushLocal(int page);

    /// <summary>flush_tlb_kernel_range: has every processor forget what it knows of both pages.</summary>
    public void FlushRange();
}
