namespace PageFold.TlbLab.Tests;

/// <summary>The timelines of traces.</summary>
public class TimelineTests
{
    [Fact]
    public void As_mailed_on_x86_the_first_page_is_stale()
    {
        Timeline timeline = Explain(NamedProtocols.Mailed, Architecture.X64, LabEnvironment.Plain);
        Assert.Equal(15, timeline.Entries.Count);
        TimelineEntry last = timeline.Entries[^1];
        Assert.Equal(TimelineKind.Wrong, last.Kind);
        Assert.Equal("B: access(p0) hits A0", last.Text);
        Assert.Equal("B0 B1", last.PageTable[0]);
        Assert.Equal("A0 -", last.Tlbs[0][0]);
        Assert.Contains("wants B0 and gets A0, which the TLB of CPU 0 still remembers", timeline.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_original_strands_an_entry_in_the_hash_table()
    {
        Timeline timeline = Explain(NamedProtocols.Original, Architecture.Ppc64Hash, LabEnvironment.Plain);
        TimelineEntry cleared = timeline.Entries.First(entry => entry.Text == "A: raw_clear(p0)");
        Assert.Equal("- A1#", cleared.PageTable[0]);
        Assert.Equal("A0 A1", cleared.HashTable[0]);
        Assert.Empty(cleared.Tlbs);
        Assert.Contains("stranded in the hash table", timeline.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_shows_what_it_delays()
    {
        Timeline timeline = Explain(NamedProtocols.ClearFlushBothLocal, Architecture.Ppc64Hash, LabEnvironment.LazyMmu);
        Assert.Equal("A0 A1", timeline.Entries[^1].Batches[0][0]);
        Assert.Contains("waits in the batch of CPU 0", timeline.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_speculative_fill_has_a_line_of_its_own()
    {
        Timeline timeline = Explain(NamedProtocols.FlushBeforeClear, Architecture.X64, LabEnvironment.Speculative);
        int fill = timeline.Entries.ToList().FindIndex(entry => entry.Kind == TimelineKind.Fill);
        Assert.Equal("A: flush_range()", timeline.Entries[fill - 1].Text);
        Assert.Equal("- -", timeline.Entries[fill - 1].Tlbs[0][0]);
        Assert.Equal("A0 -", timeline.Entries[fill].Tlbs[0][0]);
        Assert.Equal("A: get_and_clear(p0)", timeline.Entries[fill + 1].Text);
        Assert.Single(timeline.Entries, entry => entry.Kind == TimelineKind.Fill);
    }

    [Fact]
    public void Another_CPUs_TLB_breaks_break_before_make()
    {
        Timeline timeline = Explain(NamedProtocols.ClearFlushBothLocal, Architecture.Arm64, LabEnvironment.Speculative);
        TimelineEntry fill = Assert.Single(timeline.Entries, entry => entry.Kind == TimelineKind.Fill);
        Assert.Equal(1, fill.Cpu);
        Assert.Equal("A0 -", timeline.Entries[^1].Tlbs[1][0]);
        Assert.Contains("breaks the rule break-before-make", timeline.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_remembered_invalid_entry_faults()
    {
        Timeline timeline = Explain(NamedProtocols.ClearFlushBothBroadcast, Architecture.Riscv64, LabEnvironment.Speculative);
        Assert.Equal("A: access(p0) hits inv: faults", timeline.Entries[^1].Text);
        Assert.Equal("inv -", timeline.Entries[^1].Tlbs[0][0]);
    }

    [Fact]
    public void An_entry_that_is_tagged_is_named_as_the_reason()
    {
        Protocol tagged = new("tagged", string.Empty,
        [
            new(Operation.PreemptDisable), new(Operation.WindowOfProcessor),
            new(Operation.SetAtAddressZero), new(Operation.SetAtAddressZero, 1), new(Operation.FlushRange),
            new(Operation.Access), new(Operation.Access, 1),
            new(Operation.GetAndClear), new(Operation.GetAndClear, 1), new(Operation.FlushRange), new(Operation.PreemptEnable),
        ]);
        Timeline timeline = Explain(tagged, Architecture.Armv7, LabEnvironment.Plain);
        Assert.Equal("A0~ A1~", timeline.Entries[^1].Tlbs[0][0]);
        Assert.Contains("tagged with an address space", timeline.Sentence, StringComparison.Ordinal);
    }

    /// <summary>The entry of the object that stays in the TLB is not the one that was set last.</summary>
    [Fact]
    public void A_trace_with_two_forms_of_an_entry_has_a_timeline()
    {
        Protocol both = new("both", string.Empty,
        [
            new(Operation.PreemptDisable), new(Operation.WindowOfProcessor), new(Operation.SetAtAddressZero), new(Operation.Set),
            new(Operation.FlushRange), new(Operation.Access), new(Operation.GetAndClear), new(Operation.FlushRange),
            new(Operation.PreemptEnable),
        ]);
        Bounds bounds = new() { Cpus = 1, Objects = 2, Cycles = 2 };
        Timeline timeline = Timeline.Of(new Checker().Check(both, Architecture.Armv7, LabEnvironment.Speculative, bounds));
        Assert.Equal(Verdict.Corrupts, timeline.Result.Verdict);
        Assert.Contains("A0~", timeline.Entries[^1].Tlbs[0][0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loses what it has written to A", Operation.WindowOfProcessor, Operation.CopyIn, Operation.AccessCopy)]
    [InlineData("nothing: it was never copied in", Operation.WindowOfProcessor, Operation.AccessCopy, Operation.CopyOut)]
    [InlineData("without having chosen a buffer", Operation.CopyIn, Operation.AccessCopy, Operation.CopyOut)]
    public void The_sentence_says_what_is_wrong_with_a_copy(string expected, params Operation[] steps)
    {
        Protocol protocol = new("copy", string.Empty, steps.Select(step => new ProtocolStep(step)));
        Timeline timeline = Explain(protocol, Architecture.X64, LabEnvironment.Plain);
        Assert.Contains(expected, timeline.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_name_the_task_that_sleeps_and_the_one_that_goes_on()
    {
        Timeline timeline = Explain(NamedProtocols.Mailed, Architecture.Ppc64Hash, LabEnvironment.Unguarded);
        Assert.Contains(timeline.Entries, entry => entry.Text == "task 0 sleeps, task 1 has slept on CPU 1 and goes on here");
        Assert.Contains(timeline.Entries, entry => entry.Text.EndsWith("breaks no-set-over-valid", StringComparison.Ordinal));
    }

    [Fact]
    public void A_safe_protocol_has_no_lines()
    {
        Timeline timeline = Explain(NamedProtocols.Shipping, Architecture.Arm64, LabEnvironment.Plain);
        Assert.Empty(timeline.Entries);
        Assert.Contains("4,900 states", timeline.Sentence, StringComparison.Ordinal);
    }

    /// <summary>A timeline ends with the failure, names existing frames, and its last line shows what its sentence says.</summary>
    [Fact]
    public void Every_trace_of_the_matrix_has_a_timeline()
    {
        foreach (CheckResult result in Explorations.Matrix)
        {
            Timeline timeline = Timeline.Of(result);
            if (result.Verdict == Verdict.Safe)
                continue;
            string name = $"{result.Protocol}/{result.Architecture}/{result.Environment.Name()}";
            Assert.True(timeline.Entries.Count(entry => entry.Kind != TimelineKind.Fill) == result.TraceLength, name);
            Assert.True(timeline.Entries[^1].Kind == TimelineKind.Wrong, name);
            bool speculative = result.Environment.HasFlag(LabEnvironment.Speculative);
            Assert.True(speculative || timeline.Entries.All(entry => entry.Kind != TimelineKind.Fill), name);
            if (result.Verdict != Verdict.Corrupts)
                continue;
            string got = timeline.Sentence.Split("gets ")[1][..2];
            string wanted = timeline.Sentence.Split("wants ")[1][..2];
            Assert.True(got != wanted && got[1] == wanted[1], $"{name}: {timeline.Sentence}");
            TimelineEntry last = timeline.Entries[^1];
            IEnumerable<string> somewhere = [.. last.PageTable, .. last.Tlbs.SelectMany(tlb => tlb), .. last.HashTable];
            Assert.True(somewhere.Any(contents => contents.Contains(got, StringComparison.Ordinal)), $"{name}: {got} is nowhere");
        }
    }

    private static Timeline Explain(Protocol protocol, Architecture architecture, LabEnvironment environment) =>
        Timeline.Of(new Checker().Check(protocol, architecture, environment));
}
