namespace PageFold.TlbLab;

/// <summary>The operation of a protocol step, in the kernel's terms.</summary>
public enum Operation
{
    /// <summary>preempt_disable.</summary>
    PreemptDisable,

    /// <summary>preempt_enable.</summary>
    PreemptEnable,

    /// <summary>this_cpu_ptr: chooses the window, or the buffer, of the current processor of the task.</summary>
    WindowOfProcessor,

    /// <summary>Takes any free window; if there is none, the object is copied privately and the cycle ends.</summary>
    TakeWindow,

    /// <summary>Gives the window back.</summary>
    ReturnWindow,

    /// <summary>arch_enter_lazy_mmu_mode.</summary>
    EnterLazyMmu,

    /// <summary>arch_leave_lazy_mmu_mode.</summary>
    LeaveLazyMmu,

    /// <summary>set_pte_at with the window's address.</summary>
    Set,

    /// <summary>set_pte_at with address 0.</summary>
    SetAtAddressZero,

    /// <summary>A plain store of the entry, without the barrier that set_pte_at may contain.</summary>
    RawSet,

    /// <summary>ptep_get_and_clear.</summary>
    GetAndClear,

    /// <summary>A plain store of zero.</summary>
    RawClear,

    /// <summary>Flushes one page on this processor.</summary>
    FlushLocal,

    /// <summary>Flushes both pages on all processors.</summary>
    FlushRange,

    /// <summary>Fills the hash table before the access (hash_preload); does nothing on other architectures.</summary>
    Preload,

    /// <summary>Reads or writes the object through the window.</summary>
    Access,

    /// <summary>Copies a part of the object into the buffer.</summary>
    CopyIn,

    /// <summary>Reads or writes the object in the buffer.</summary>
    AccessCopy,

    /// <summary>Copies a part of the object back.</summary>
    CopyOut,
}
