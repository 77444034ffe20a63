namespace PageFold.TlbLab;

internal enum TransitionKind : byte
{
    /// <summary>A context does the next step of the protocol.</summary>
    Step,

    /// <summary>A processor stops what it runs and goes on with another task, wherever that was.</summary>
    Switch,

    /// <summary>An interrupt begins.</summary>
    Interrupt,
}

/// <summary>What happens next, of all that may.</summary>
/// <param name="Kind">What.</param>
/// <param name="Context">Of whom; when switching, who comes.</param>
/// <param name="Argument">The first step of a cycle: which object. Switch and interrupt: the processor.</param>
/// <param name="Choice">An access: what translates it, an object's entry or one of the constants. Taking a window: which.</param>
internal readonly record struct Transition(TransitionKind Kind, byte Context, byte Argument, byte Choice)
{
    /// <summary>The page table, after a miss.</summary>
    public const byte Walk = 16;

    /// <summary>An invalid entry that is remembered.</summary>
    public const byte RememberedInvalid = 17;

    /// <summary>No window is free.</summary>
    public const byte NoWindow = 18;
}

/// <summary>How bad it is.</summary>
public enum Verdict
{
    /// <summary>Nothing below happens, within the bounds.</summary>
    Safe,

    /// <summary>A rule of the architecture, or of the kernel, is broken.</summary>
    BreaksRule,

    /// <summary>An access finds no translation.</summary>
    Faults,

    /// <summary>An access reaches a frame that is not the object's, or wrong bytes.</summary>
    Corrupts,
}

/// <summary>What a transition has come to.</summary>
internal readonly record struct Outcome(Verdict Verdict, TranslationRule Rule = TranslationRule.None)
{
    public static Outcome Broken(TranslationRule rule) => new(rule == TranslationRule.None ? Verdict.Safe : Verdict.BreaksRule, rule);

    /// <summary>Nothing comes after an access that went wrong.</summary>
    public bool EndsRun => Verdict >= Verdict.Faults;
}
