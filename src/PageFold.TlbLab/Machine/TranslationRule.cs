namespace PageFold.TlbLab;

/// <summary>A rule of an architecture's manual or of the kernel's own contract.</summary>
/// <remarks>Breaking a rule does not end a run: its consequences are explored as well.</remarks>
public enum TranslationRule
{
    /// <summary>No rule is broken.</summary>
    None,

    /// <summary>Guards come in pairs: preemption off and on, a batch entered and left, a window taken and given back.</summary>
    BalancedGuards,

    /// <summary>A barrier has to follow the setting of an entry before it is used (ARM, PPC64 radix).</summary>
    BarrierAfterSet,

    /// <summary>Setting must not overwrite a valid entry (PPC64), because its copy in the hash table would be lost.</summary>
    NoSetOverValid,

    /// <summary>A translation may only be replaced after it was made invalid and flushed from all TLBs (ARM).</summary>
    BreakBeforeMake,

    /// <summary>A valid entry may only be changed by the instruction that invalidates it on all processors (s390).</summary>
    InvalidateBeforeChange,

    /// <summary>The hash table may have only one entry for an address (PPC64); two may end in a machine check.</summary>
    OneHashEntry,
}

/// <summary>Names and meanings of rules.</summary>
public static class TranslationRules
{
    /// <summary>The name in reports.</summary>
    public static string Name(this TranslationRule rule) => rule switch
    {
        TranslationRule.BalancedGuards => "balanced-guards",
        TranslationRule.BarrierAfterSet => "barrier-after-set",
        TranslationRule.NoSetOverValid => "no-set-over-valid",
        TranslationRule.BreakBeforeMake => "break-before-make",
        TranslationRule.InvalidateBeforeChange => "invalidate-before-change",
        TranslationRule.OneHashEntry => "one-hash-entry",
        _ => "none",
    };

    /// <summary>The requirement of a rule, in a few words.</summary>
    public static string Meaning(this TranslationRule rule) => rule switch
    {
        TranslationRule.BalancedGuards => "guards, batches and windows undone as often as taken",
        TranslationRule.BarrierAfterSet => "a barrier between setting an entry and using it",
        TranslationRule.NoSetOverValid => "set_pte_at on entries that are clear only",
        TranslationRule.BreakBeforeMake => "the old translation gone everywhere before the new",
        TranslationRule.InvalidateBeforeChange => "a valid entry changed by invalidation only",
        TranslationRule.OneHashEntry => "one entry in the hash table for an address",
        _ => string.Empty,
    };
}
