using System.Diagnostics.CodeAnalysis;

namespace PageFold.TlbLab;

/// <summary>What happens around a protocol while it runs; values can be combined.</summary>
[Flags]
[SuppressMessage("Design", "CA1008:Enums should have zero value", Justification = "The one without anything has a name of its own.")]
public enum LabEnvironment
{
    /// <summary>A task on each processor, undisturbed.</summary>
    /// <remarks>Only accesses fill TLBs, and TLBs may evict entries at any time.</remarks>
    Plain = 0,

    /// <summary>TLBs on all processors may read any entry that is set, at any time.</summary>
    Speculative = 1,

    /// <summary>The scheduler stops tasks and moves them to other processors, except where the protocol has disabled preemption.</summary>
    Preemptible = 2,

    /// <summary>The scheduler does so even where the protocol has disabled preemption: the task sleeps there.</summary>
    Unguarded = 4,

    /// <summary>Each task maps within an outer batch of page-table changes.</summary>
    LazyMmu = 8,

    /// <summary>An interrupt maps on a processor while its task may be at any step of the protocol.</summary>
    Reentrant = 16,
}

/// <summary>Names of environments.</summary>
public static class LabEnvironments
{
    private static readonly (LabEnvironment Environment, string Name, string Meaning)[] Singles =
    [
        (LabEnvironment.Plain, "plain", "a task on each CPU that nothing disturbs; TLBs read what is accessed and forget at any time"),
        (LabEnvironment.Speculative, "speculative", "TLBs read any entry that is set, at any time, on any CPU"),
        (LabEnvironment.Preemptible, "preemptible", "the scheduler stops and moves tasks wherever preemption is not off"),
        (LabEnvironment.Unguarded, "unguarded", "the scheduler stops and moves tasks even where preemption is off: they sleep inside"),
        (LabEnvironment.LazyMmu, "lazy-mmu", "each task maps inside a batch of page-table changes"),
        (LabEnvironment.Reentrant, "reentrant", "interrupts map on CPUs whose task may be mapping"),
    ];

    /// <summary>What can happen to code that follows the rules of its kernel: everything except sleeping where that is forbidden.</summary>
    public static LabEnvironment Everything { get; } =
        LabEnvironment.Speculative | LabEnvironment.Preemptible | LabEnvironment.LazyMmu | LabEnvironment.Reentrant;

    /// <summary>The environments of the matrix: each alone, and <see cref="Everything"/>.</summary>
    public static IReadOnlyList<LabEnvironment> Matrix { get; } = [.. Singles.Select(single => single.Environment), Everything];

    /// <summary>The names that <see cref="TryParse"/> accepts.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Singles.Select(single => single.Name)];

    /// <summary>The name of an environment, combinations joined by +.</summary>
    public static string Name(this LabEnvironment environment) => environment == LabEnvironment.Plain
        ? Singles[0].Name
        : string.Join('+', Singles.Where(single => (environment & single.Environment) != 0).Select(single => single.Name));

    /// <summary>Explains each part of an environment in a line that begins with its name.</summary>
    public static IEnumerable<string> Meanings(this LabEnvironment environment) =>
        from single in Singles
        where environment == LabEnvironment.Plain
            ? single.Environment == LabEnvironment.Plain
            : (environment & single.Environment) != 0
        select $"{single.Name}: {single.Meaning}";

    /// <summary>Parses a name, or names joined by +; false, with the first unknown name, if one is unknown.</summary>
    public static bool TryParse(string text, out LabEnvironment environment, out string unknown)
    {
        ArgumentNullException.ThrowIfNull(text);
        environment = LabEnvironment.Plain;
        unknown = string.Empty;
        foreach (string name in text.Split('+'))
        {
            int index = Array.FindIndex(Singles, single => string.Equals(single.Name, name.Trim(), StringComparison.OrdinalIgnoreCase));
            if (index < 0)
            {
                unknown = name.Trim();
                return false;
            }
            environment |= Singles[index].Environment;
        }
        return true;
    }
}
