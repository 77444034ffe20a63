using System.Globalization;

namespace PageFold.TlbLab;

/// <summary>What a line of a timeline is about.</summary>
public enum TimelineKind
{
    /// <summary>A step of the protocol.</summary>
    Step,

    /// <summary>The scheduler at work.</summary>
    Switch,

    /// <summary>An interrupt arrives.</summary>
    Interrupt,

    /// <summary>A TLB reads an entry that nobody has asked for yet.</summary>
    Fill,

    /// <summary>The step that goes wrong.</summary>
    Wrong,
}

/// <summary>One line: what happened, and the translations after it.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Cpu">Where, from 0.</param>
/// <param name="Actor">Who: a task, the interrupt, or the TLB.</param>
/// <param name="Text">What, in one line.</param>
/// <param name="PageTable">For each window its two entries.</param>
/// <param name="Tlbs">For each CPU, for each window, what its TLB holds; empty where a hash table stands for all TLBs.</param>
/// <param name="HashTable">For each window what the hash table holds; empty elsewhere.</param>
/// <param name="Batches">For each CPU, for each window, what its batch has yet to remove from the hash table; empty elsewhere.</param>
public sealed record TimelineEntry(
    TimelineKind Kind, int Cpu, string Actor, string Text, IReadOnlyList<string> PageTable, IReadOnlyList<IReadOnlyList<string>> Tlbs, IReadOnlyList<string> HashTable, IReadOnlyList<IReadOnlyList<string>> Batches);

/// <summary>The shortest way to a verdict, told step by step. Frames are named by object and page: B1 is the second frame of object B. Immutable.</summary>
public sealed class Timeline
{
    private Timeline(CheckResult result, IReadOnlyList<TimelineEntry> entries, string sentence, int windows)
    {
        Result = result;
        Entries = entries;
        Sentence = sentence;
        Windows = windows;
    }

    /// <summary>What it is the timeline of.</summary>
    public CheckResult Result { get; }

    /// <summary>The lines; none where nothing goes wrong.</summary>
    public IReadOnlyList<TimelineEntry> Entries { get; }

    /// <summary>What went wrong, or that nothing does, in one sentence.</summary>
    public string Sentence { get; }

    /// <summary>The windows, or buffers, of the machine.</summary>
    public int Windows { get; }

    /// <summary>Tells the trace of a result.</summary>
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
        List<TimelineEntry> entries = replay.Tell();
        return new Timeline(result, entries, replay.Sentence, replay.Windows);
    }

    private static string Count(CheckResult result) => result.StatesExplored.ToString("N0", CultureInfo.InvariantCulture);
}
