namespace PageFold.TlbLab;

/// <summary>What a manual, or the kernel's own contract, forbids. Breaking one does not end a run: what becomes of it is explored as well.</summary>
public enum TranslationRule
{
    /// <summary>None is broken.</summary>
    None,

    /// <summary>Guards come in pairs: preemption off and on, a batch entered and left, a window taken and given back.</summary>
    BalancedGuards,

    /// <summary>An entry that was set needs a barrier before it is used (ARM, PPC64 radix).</summary>
    BarrierAfterSet,

    /// <summary>A valid entry is not set over (PPC64): what the old one has in the hash table would be lost.</summary>
    NoSetOverValid,

    /// <summary>A translation is only replaced after it was made invalid and is out of all TLBs (ARM).</summary>
    BreakBeforeMake,

    /// <summary>A valid entry is only changed by the instruction that invalidates it everywhere (s390).</summary>
    InvalidateBeforeChange,

    /// <summary>The hash table has one entry for an address (PPC64): two may end in a machine check.</summary>
    OneHashEntry,
}

/// <summary>Names of rules.</summary>
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

    /// <summary>What the rule asks for, in a few words.</summary>
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
