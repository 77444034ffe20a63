using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>A line of a timeline as text in columns.</summary>
/// <param name="Number">The number of the step; empty for other lines.</param>
/// <param name="Kind">The kind of line.</param>
/// <param name="What">What happened; it is in the lane of its CPU.</param>
/// <param name="Cells">The lanes, then the translations.</param>
internal sealed record TimelineRow(string Number, TimelineKind Kind, string What, IReadOnlyList<string> Cells);

/// <summary>Arranges a timeline in columns: lanes of CPUs, page table, TLBs or hash table, and batches.</summary>
/// <remarks>CPUs, windows and batches that are never used are left out.</remarks>
internal sealed class TimelineColumns
{
    private const string Nothing = "- -";

    public TimelineColumns(Timeline timeline)
    {
        IReadOnlyList<TimelineEntry> entries = timeline.Entries;
        int cpus = timeline.Result.Bounds.Cpus;
        int[] lanes = [.. Enumerable.Range(0, cpus).Where(cpu => entries.Any(entry => entry.Cpu == cpu))];
        int[] windows = [.. Enumerable.Range(0, timeline.Windows).Where(window => entries.Any(entry => IsUsed(entry, window)))];
        bool copies = timeline.Result.Protocol.Copies;
        bool moved = entries.Any(entry => entry.Kind == TimelineKind.Switch);
        bool hashed = entries[0].HashTable.Count > 0;
        int[] tlbs = copies || hashed ? [] : lanes;
        int[] batches = [.. hashed && !copies ? lanes.Where(cpu => entries.Any(entry => entry.Batches[cpu].Any(IsSomething))) : []];
        hashed &= !copies;

        Lanes = lanes.Length;
        Headers =
        [
            .. lanes.Select(cpu => $"CPU {cpu}"),
            copies ? "buffer" : "PTEs",
            .. tlbs.Select(cpu => $"TLB {cpu}"),
            .. (string[])(hashed ? ["hash"] : []),
            .. batches.Select(cpu => $"batch {cpu}"),
        ];
        Rows = [.. entries.Select((entry, index) => Row(entry, Number(entries, index)))];

        TimelineRow Row(TimelineEntry entry, string number)
        {
            string what = What(entry, moved);
            return new TimelineRow(number, entry.Kind, what,
            [
                .. lanes.Select(cpu => cpu == entry.Cpu ? what : string.Empty),
                Windows(entry.PageTable),
                .. tlbs.Select(cpu => Windows(entry.Tlbs[cpu])),
                .. (string[])(hashed ? [Windows(entry.HashTable)] : []),
                .. batches.Select(cpu => Windows(entry.Batches[cpu])),
            ]);
        }

        string Windows(IReadOnlyList<string> contents) => string.Join('\n', windows.Select(window =>
            windows.Length == 1 ? contents[window] : $"w{window} {contents[window]}"));
    }

    public IReadOnlyList<string> Headers { get; }

    /// <summary>The number of lanes, which are the first columns.</summary>
    public int Lanes { get; }

    public IReadOnlyList<TimelineRow> Rows { get; }

    /// <summary>Explains the names in the columns.</summary>
    public IEnumerable<string> Legend(CheckResult result)
    {
        bool copies = result.Protocol.Copies;
        string parts = copies ? "parts of the buffer" : "pages of the window";
        yield return $"A0, A1: the two frames of object A; p0, p1: the two {parts}; \"A:\" who maps A; - nothing";
        if (Shows("t0 ") || Shows("t1 ") || Shows("t2 "))
            yield return "t0, t1: which task it is";
        if (result.Architecture.HasHashTable && !copies)
            yield return "TLBs hold what the hash table does; local and range flush do nothing here";
        if (Shows("#"))
            yield return "A0#: the entry says that the hash table has it";
        if (result.Architecture.HasHashTable && !copies && result.Environment.HasFlag(LabEnvironment.LazyMmu))
            yield return "each task is inside a batch of its own, further out, all the time; batch: what it has yet to remove";
        if (Shows("~"))
            yield return "A0~: tagged with an address space, since it was set for address 0";
        if (Shows("inv"))
            yield return "inv: the TLB remembers that there was nothing";
    }

    private bool Shows(string mark) => Rows.Any(row => row.Cells.Any(cell => cell.Contains(mark, StringComparison.Ordinal)));

    private static string What(TimelineEntry entry, bool moved) => entry.Kind switch
    {
        TimelineKind.Switch or TimelineKind.Interrupt or TimelineKind.Fill => entry.Text,
        _ when entry.Actor == "interrupt" => $"irq {entry.Text}",
        // Where tasks move, the lane does not identify the task.
        _ when moved => $"{entry.Actor.Replace("task ", "t", StringComparison.Ordinal)} {entry.Text}",
        _ => entry.Text,
    };

    private static string Number(IReadOnlyList<TimelineEntry> entries, int index) => entries[index].Kind == TimelineKind.Fill
        ? string.Empty
        : Figures.Of(entries.Take(index + 1).Count(entry => entry.Kind != TimelineKind.Fill), "0");

    private static bool IsUsed(TimelineEntry entry, int window) =>
        IsSomething(entry.PageTable[window])
        || entry.Tlbs.Any(tlb => IsSomething(tlb[window]))
        || entry.HashTable.Count > 0 && IsSomething(entry.HashTable[window]);

    private static bool IsSomething(string contents) => contents != Nothing;
}
