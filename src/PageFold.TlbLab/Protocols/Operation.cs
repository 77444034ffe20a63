namespace PageFold.TlbLab;

/// <summary>What a step of a protocol does, in the kernel's terms.</summary>
public enum Operation
{
    /// <summary>preempt_disable.</summary>
    PreemptDisable,

    /// <summary>preempt_enable.</summary>
    PreemptEnable,

    /// <summary>this_cpu_ptr: chooses the window, or the buffer, of the processor the task is on at this moment.</summary>
    WindowOfProcessor,

    /// <summary>Takes any window that is free; if none is, the object is copied privately and the cycle is over.</summary>
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

    /// <summary>Has the hash table filled before the access (hash_preload); nothing elsewhere.</summary>
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
