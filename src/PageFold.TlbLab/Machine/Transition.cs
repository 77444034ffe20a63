namespace PageFold.TlbLab;

internal enum TransitionKind : byte
{
    /// <summary>A context executes the next step of the protocol.</summary>
    Step,

    /// <summary>A processor stops its task and runs another one, wherever that was.</summary>
    Switch,

    /// <summary>An interrupt starts.</summary>
    Interrupt,
}

/// <summary>A transition of the machine.</summary>
/// <param name="Kind">The kind of transition.</param>
/// <param name="Context">The context that acts; for a switch, the task that runs next.</param>
/// <param name="Argument">For the first step of a cycle: the object. For a switch or an interrupt: the processor.</param>
/// <param name="Choice">For an access: the object whose entry translates it, or one of the constants. For taking a window: its
/// number.</param>
internal readonly record struct Transition(TransitionKind Kind, byte Context, byte Argument, byte Choice)
{
    /// <summary>The page table translates the access, after a miss.</summary>
    public const byte Walk = 16;

    /// <summary>A cached invalid entry translates the access.</summary>
    public const byte RememberedInvalid = 17;

    /// <summary>No window is free.</summary>
    public const byte NoWindow = 18;
}

/// <summary>The severity of an outcome.</summary>
public enum Verdict
{
    /// <summary>None of the following happens, within the bounds.</summary>
    Safe,

    /// <summary>A rule of the architecture or of the kernel is broken.</summary>
    BreaksRule,

    /// <summary>An access finds no translation.</summary>
    Faults,

    /// <summary>An access reaches a frame of another object, or wrong bytes.</summary>
    Corrupts,
}

/// <summary>The outcome of a transition.</summary>
internal readonly record struct Outcome(Verdict Verdict, TranslationRule Rule = TranslationRule.None)
{
    public static Outcome Broken(TranslationRule rule) => new(rule == TranslationRule.None ? Verdict.Safe : Verdict.BreaksRule, rule);

    /// <summary>True after an access that failed: nothing follows it.</summary>
    public bool EndsRun => Verdict >= Verdict.Faults;
}
