using System.Globalization;

namespace PageFold.TlbLab;

/// <summary>The kind of a timeline's line.</summary>
public enum TimelineKind
{
    /// <summary>A step of the protocol.</summary>
    Step,

    /// <summary>The scheduler switches tasks.</summary>
    Switch,

    /// <summary>An interrupt arrives.</summary>
    Interrupt,

    /// <summary>A TLB reads an entry speculatively.</summary>
    Fill,

    /// <summary>The step that goes wrong.</summary>
    Wrong,
}

/// <summary>One line of a timeline: what happened, and the translations after it.</summary>
/// <param name="Kind">The kind of line.</param>
/// <param name="Cpu">The processor, from 0.</param>
/// <param name="Actor">What acts: a task, the interrupt, the scheduler, or the TLB.</param>
/// <param name="Text">What happened, in one line.</param>
/// <param name="PageTable">For each window its two entries.</param>
/// <param name="Tlbs">For each CPU and window the content of the TLB; empty if a hash table stands for all TLBs.</param>
/// <param name="HashTable">For each window the content of the hash table; empty without hash table.</param>
/// <param name="Batches">For each CPU and window what the batch will remove from the hash table; empty without hash table.</param>
public sealed record TimelineEntry(
    TimelineKind Kind,
    int Cpu,
    string Actor,
    string Text,
    IReadOnlyList<string> PageTable,
    IReadOnlyList<IReadOnlyList<string>> Tlbs,
    IReadOnlyList<string> HashTable,
    IReadOnlyList<IReadOnlyList<string>> Batches);

/// <summary>The shortest trace to a verdict, step by step.</summary>
/// <remarks>Immutable. Frames are named by object and page: B1 is the second frame of object B.</remarks>
public sealed class Timeline
{
    private Timeline(CheckResult result, IReadOnlyList<TimelineEntry> entries, string sentence, int windows)
    {
        Result = result;
        Entries = entries;
        Sentence = sentence;
        Windows = windows;
    }

    /// <summary>The result whose trace it shows.</summary>
    public CheckResult Result { get; }

    /// <summary>The lines; none if the verdict is safe.</summary>
    public IReadOnlyList<TimelineEntry> Entries { get; }

    /// <summary>One sentence that says what goes wrong, or that nothing does.</summary>
    public string Sentence { get; }

    /// <summary>The number of windows, or buffers, of the machine.</summary>
    public int Windows { get; }

    /// <summary>Makes the timeline of a result.</summary>
    public static Timeline Of(CheckResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Verdict == Verdict.Safe)
        {
            string sentence = result.IsComplete
                ? $"In none of the {Count(result)} states that can be reached does anything corrupt, fault or break a rule."
                : $"Nothing goes wrong in the {Count(result)} states explored, which are not all.";
            return new Timeline(result, [], sentence, 0);
        }
        TraceReplay replay = new(result);
        List<TimelineEntry> entries = replay.Run();
        return new Timeline(result, entries, replay.Sentence, replay.Windows);
    }

    private static string Count(CheckResult result) => result.StatesExplored.ToString("N0", CultureInfo.InvariantCulture);
}
