namespace PageFold.TlbLab;

/// <summary>One step of a protocol.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Page">The page of the window, 0 or 1, if the operation is for one page.</param>
public readonly record struct ProtocolStep(Operation Operation, int Page = 0)
{
    /// <summary>The step in the kernel's terms.</summary>
    public override string ToString() => Operation switch
    {
        Operation.PreemptDisable => "preempt_disable()",
        Operation.PreemptEnable => "preempt_enable()",
        Operation.WindowOfProcessor => "window of this CPU",
        Operation.TakeWindow => "take a free window",
        Operation.ReturnWindow => "give the window back",
        Operation.EnterLazyMmu => "enter_lazy_mmu()",
        Operation.LeaveLazyMmu => "leave_lazy_mmu()",
        Operation.Set => $"set_pte_at(p{Page})",
        Operation.SetAtAddressZero => $"set_pte_at(p{Page}, addr 0)",
        Operation.RawSet => $"raw_set(p{Page})",
        Operation.GetAndClear => $"get_and_clear(p{Page})",
        Operation.RawClear => $"raw_clear(p{Page})",
        Operation.FlushLocal => $"flush_local(p{Page})",
        Operation.FlushRange => "flush_range()",
        Operation.Preload => $"hash_preload(p{Page})",
        Operation.Access => $"access(p{Page})",
        Operation.CopyIn => $"copy_in(p{Page})",
        Operation.AccessCopy => $"access_copy(p{Page})",
        Operation.CopyOut => $"copy_out(p{Page})",
        _ => Operation.ToString(),
    };
}
