using static PageFold.TlbLab.Operation;

namespace PageFold.TlbLab.Tests;

/// <summary>
/// Each rule of translation, checked with one protocol that follows it and one that breaks it and differs in nothing else.
/// </summary>
public class RuleTests
{
    private static ProtocolStep[] Map { get; } = [new(Set), new(Set, 1)];

    private static ProtocolStep[] Use { get; } = [new(Access), new(Access, 1)];

    private static ProtocolStep[] Clear { get; } = [new(GetAndClear), new(GetAndClear, 1)];

    private static ProtocolStep[] FlushBothLocal { get; } = [new(FlushLocal), new(FlushLocal, 1)];

    private static ProtocolStep[] FlushEverywhere { get; } = [new(FlushRange)];

    public static TheoryData<string, string, string, string, string, string> Rules => new()
    {
        // The rule, the architecture, the environment, the protocol that follows it, the one that breaks it, and what comes of that.
        {
            "the hash table forgets by get-and-clear, and keeps what a raw store has overwritten",
            "ppc64-hash", "plain", "clear", "raw clear", "corrupts"
        },
        {
            "set_pte_at is not called on a valid entry",
            "ppc64-radix", "plain", "clear, flush local", "set over, flush local", "no-set-over-valid"
        },
        {
            "set_pte_at is not called on a valid entry: the hash entry is lost",
            "ppc64-hash", "plain", "clear", "set over, flush local", "corrupts"
        },
        {
            "a clear without a hash flush and another fault give two hash entries",
            "ppc64-hash", "plain", "preload, clear", "preload, raw clear", "one-hash-entry"
        },
        {
            "an active batch puts the invalidation off until it is left",
            "ppc64-hash", "lazy-mmu", "clear in a batch of its own", "clear", "corrupts"
        },
        {
            "without an active batch the invalidation is immediate",
            "ppc64-hash", "plain", "clear", "clear in a batch never left", "corrupts"
        },
        {
            "radix: flushed after the clear",
            "ppc64-radix", "plain", "clear, flush local", "clear", "corrupts"
        },
        {
            "radix: a barrier after the entry is set",
            "ppc64-radix", "plain", "clear, flush local", "raw set, clear, flush local", "barrier-after-set"
        },
        {
            "x86: flushed after the clear and before reuse, page 0",
            "x86-64", "plain", "clear, flush local", "clear, flush local page 1", "corrupts"
        },
        {
            "x86: flushed after the clear and before reuse, page 1",
            "x86-64", "plain", "clear, flush local", "clear, flush local page 0", "corrupts"
        },
        {
            "x86: flushed after the clear and before reuse, both",
            "x86-64", "plain", "clear, flush local", "clear", "corrupts"
        },
        {
            "x86: not before the clear, because what is present may be read at any time",
            "x86-64", "speculative", "clear, flush everywhere", "flush everywhere, clear", "corrupts"
        },
        {
            "x86: a present entry may be read on any CPU",
            "x86-64", "speculative", "stock: clear, flush everywhere", "stock: clear, flush local", "corrupts"
        },
        {
            "arm64: break before make, by a flush everywhere",
            "arm64", "speculative", "clear, flush everywhere", "clear, flush local", "break-before-make"
        },
        {
            "arm64: break before make, by a clear",
            "arm64", "plain", "clear, flush everywhere", "set over, flush everywhere", "break-before-make"
        },
        {
            "arm64: the barrier after an entry is set",
            "arm64", "plain", "clear, flush everywhere", "raw set, clear, flush everywhere", "barrier-after-set"
        },
        {
            "armv7: a barrier after map",
            "armv7", "plain", "flush everywhere, clear, flush everywhere", "clear, flush everywhere", "barrier-after-set"
        },
        {
            "armv7: the window's address in set_pte_at",
            "armv7", "plain", "flush everywhere, clear, flush everywhere",
            "address 0: flush everywhere, clear, flush everywhere", "corrupts"
        },
        {
            "RISC-V: flushed after map, because invalid entries may be remembered",
            "riscv64", "speculative", "flush everywhere, clear, flush everywhere", "clear, flush everywhere", "faults"
        },
        {
            "s390: get-and-clear, which invalidates",
            "s390x", "plain", "clear", "raw clear, flush local", "invalidate-before-change"
        },
        {
            "s390: a valid entry is not set over",
            "s390x", "plain", "clear", "set over, flush local", "invalidate-before-change"
        },
        {
            "a local flush: no access from elsewhere",
            "x86-64", "speculative+preemptible", "clear, flush local", "stock: clear, flush local", "corrupts"
        },
        {
            "a local flush: no preemption and migration from map to unmap",
            "x86-64", "preemptible", "clear, flush local", "no guard: clear, flush local", "corrupts"
        },
        {
            "preemption off: no other task on the CPU uses its window",
            "s390x", "preemptible", "clear", "no guard: clear", "corrupts"
        },
        {
            "what preemption off is for: stock windows do without",
            "riscv64", "unguarded", "stock: flush everywhere, clear, flush everywhere",
            "flush everywhere, clear, flush everywhere", "corrupts"
        },
        {
            "no map on a CPU inside another",
            "x86-64", "reentrant", "stock: clear, flush everywhere", "clear, flush everywhere", "corrupts"
        },
        {
            "a window is given back when it is clean",
            "x86-64", "plain", "stock: clear, flush everywhere", "stock: return, then clear and flush", "faults"
        },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Holds_where_it_is_kept_and_shows_where_it_is_broken(
        string rule, string architecture, string environment, string kept, string broken, string verdict)
    {
        CheckResult good = Check(architecture, environment, Named(kept));
        Assert.True(good.Verdict == Verdict.Safe, $"{rule}: {kept} {good.Verdict} {good.Rule.Name()}");
        CheckResult bad = Check(architecture, environment, Named(broken));
        Assert.Equal(verdict, bad.Verdict == Verdict.BreaksRule ? bad.Rule.Name() : bad.Verdict.ToString().ToLowerInvariant());
    }

    /// <summary>A rule of one architecture does not affect the others.</summary>
    [Theory]
    [InlineData("arm64", "speculative", "clear, flush everywhere")]
    [InlineData("ppc64-radix", "speculative", "clear, flush local")]
    [InlineData("x86-64", "speculative", "clear, flush local")]
    [InlineData("x86-64", "lazy-mmu", "clear, flush local")]
    [InlineData("x86-64", "plain", "set over, flush local")]
    [InlineData("x86-64", "plain", "raw set, clear, flush local")]
    [InlineData("x86-64", "plain", "raw clear, flush local")]
    [InlineData("riscv64", "plain", "clear, flush local")]
    [InlineData("arm64", "plain", "address 0: flush everywhere, clear, flush everywhere")]
    [InlineData("s390x", "speculative", "clear")]
    [InlineData("ppc64-hash", "speculative", "clear")]
    public void Holds_where_the_architecture_has_no_such_rule(string architecture, string environment, string protocol) =>
        Assert.Equal(Verdict.Safe, Check(architecture, environment, Named(protocol)).Verdict);

    [Fact]
    public void Flushes_do_nothing_where_there_is_a_hash_table()
    {
        foreach (LabEnvironment environment in LabEnvironments.Matrix)
        {
            Assert.Equal(
                new Checker().Check(NamedProtocols.NoFlush, Architecture.Ppc64Hash, environment).Verdict,
                new Checker().Check(NamedProtocols.ClearFlushBothBroadcast, Architecture.Ppc64Hash, environment).Verdict);
        }
    }

    [Fact]
    public void A_broken_rule_does_not_end_the_exploration()
    {
        // On ARMv7 the missing barrier comes first, and the entry that is never flushed comes later.
        CheckResult result = Check("armv7", "plain", Named("clear"));
        Assert.Equal(Verdict.Corrupts, result.Verdict);
    }

    [Fact]
    public void A_TLB_may_evict_what_it_holds()
    {
        // As long as the TLB holds the entry, the access does not miss.
        ProtocolStep[] cycle = [new(Set), new(Access), new(GetAndClear), new(Access), new(FlushLocal)];
        Protocol late = new("late", string.Empty, [new(PreemptDisable), new(WindowOfProcessor), .. cycle, new(PreemptEnable)]);
        CheckResult result = Check("x86-64", "plain", late);
        Assert.Equal(Verdict.Faults, result.Verdict);
        // The clear itself removes the entry from the hash table.
        Assert.Equal(6, Check("ppc64-hash", "plain", late).TraceLength);
    }

    [Fact]
    public void An_interrupt_clears_into_the_batch_of_the_task_that_it_stops()
    {
        // The clear itself is outside the batch, unless the whole cycle is an interrupt inside it.
        ProtocolStep[] batch = [new(EnterLazyMmu), new(Set), new(Access), new(LeaveLazyMmu)];
        Protocol early = new("early", string.Empty, [new(TakeWindow), .. batch, new(GetAndClear), new(ReturnWindow)]);
        Assert.Equal(Verdict.Safe, Check("ppc64-hash", "speculative+preemptible", early).Verdict);
        Assert.Equal(Verdict.Corrupts, Check("ppc64-hash", "reentrant", early).Verdict);
    }

    [Fact]
    public void Guards_that_are_not_paired_break_a_rule()
    {
        Protocol unpaired = new(
            "unpaired", string.Empty, [new(PreemptDisable), new(WindowOfProcessor), .. Map, .. Use, .. Clear, .. FlushBothLocal]);
        CheckResult result = Check("x86-64", "plain", unpaired);
        Assert.Equal((Verdict.BreaksRule, TranslationRule.BalancedGuards), (result.Verdict, result.Rule));
    }

    /// <summary>A guard is undone after it was taken, in the same cycle, even if the cycle ends early because no window is free.</summary>
    [Fact]
    public void Guards_are_paired_in_order_and_in_every_cycle()
    {
        ProtocolStep[] cycle = [.. Map, new(FlushRange), .. Use, .. Clear, new(FlushRange)];
        Protocol[] unpaired =
        [
            new("enabled first", string.Empty, [new(PreemptEnable), new(WindowOfProcessor), .. cycle, new(PreemptDisable)]),
            new("two taken, two given back", string.Empty,
                [new(TakeWindow), new(TakeWindow), .. cycle, new(ReturnWindow), new(ReturnWindow)]),
            new("given back twice", string.Empty, [new(TakeWindow), .. cycle, new(ReturnWindow), new(ReturnWindow)]),
            new("left first", string.Empty, [new(TakeWindow), new(LeaveLazyMmu), .. cycle, new(EnterLazyMmu), new(ReturnWindow)]),
        ];
        Assert.All(unpaired, protocol =>
        {
            CheckResult result = Check("x86-64", "plain", protocol);
            Assert.Equal((Verdict.BreaksRule, TranslationRule.BalancedGuards), (result.Verdict, result.Rule));
        });
        // Two tasks always find a free window. A third task, or an interrupt, may not.
        Protocol guarded = new("guard around taking", string.Empty,
            [new(PreemptDisable), new(TakeWindow), .. cycle, new(PreemptEnable), new(ReturnWindow)]);
        Assert.Equal(Verdict.Safe, Check("x86-64", "plain", guarded).Verdict);
        Assert.Equal(TranslationRule.BalancedGuards, Check("x86-64", "reentrant", guarded).Rule);
    }

    [Fact]
    public void Preemption_stays_off_however_often_it_was_disabled()
    {
        ProtocolStep[] guards = [.. Enumerable.Repeat(new ProtocolStep(PreemptDisable), 50)];
        Protocol leaking = new("leaking", string.Empty,
            [.. guards, new(WindowOfProcessor), new(Set), new(Access), new(GetAndClear), new(FlushRange)]);
        Bounds bounds = new() { Cpus = 2, Objects = 2, Cycles = 6 };
        CheckResult result = new Checker().Check(leaking, Architecture.X64, LabEnvironment.Preemptible, bounds);
        Assert.Equal((Verdict.BreaksRule, TranslationRule.BalancedGuards), (result.Verdict, result.Rule));
    }

    [Fact]
    public void A_barrier_covers_what_was_set_before_it()
    {
        ProtocolStep[] unmap = [.. Clear, new(FlushRange)];
        Assert.Equal(Verdict.Safe, Check("arm64", "plain", OfCpu("set after", [new(RawSet), new(Set, 1)], unmap)).Verdict);
        Assert.Equal(TranslationRule.BarrierAfterSet, Check("arm64", "plain", OfCpu("set before", [new(Set), new(RawSet, 1)], unmap)).Rule);
    }

    /// <summary>
    /// An ARMv7 TLB may hold the entry without the tag, or evict it and read the tagged one, which the flush then misses.
    /// </summary>
    [Fact]
    public void A_miss_may_find_the_same_object_under_another_tag()
    {
        Protocol mixed = new("mixed", string.Empty,
        [
            new(PreemptDisable), new(WindowOfProcessor), new(Set), new(FlushLocal, 1), new(Access), new(SetAtAddressZero),
            new(FlushLocal, 1), new(Access), new(GetAndClear), new(FlushRange), new(PreemptEnable),
        ]);
        CheckResult result = Check("armv7", "plain", mixed);
        Assert.Equal(Verdict.Corrupts, result.Verdict);
        Assert.Contains("tagged", Timeline.Of(result).Sentence, StringComparison.Ordinal);
        // The timeline also works where TLBs read speculatively.
        Assert.Equal(TimelineKind.Wrong, Timeline.Of(Check("armv7", "speculative", mixed)).Entries[^1].Kind);
    }

    [Fact]
    public void What_is_not_copied_back_is_lost()
    {
        Protocol lost = NamedProtocols.Copy.Without(NamedProtocols.Copy.Steps.ToList().IndexOf(new ProtocolStep(CopyOut, 1)));
        Assert.Equal(Verdict.Corrupts, Check("x86-64", "plain", lost).Verdict);
    }

    private static CheckResult Check(string architecture, string environment, Protocol protocol)
    {
        Assert.True(LabEnvironments.TryParse(environment, out LabEnvironment parsed, out _));
        return new Checker().Check(protocol, Architecture.All.Single(one => one.Name == architecture), parsed);
    }

    private static Protocol Named(string name)
    {
        ProtocolStep[] raw = [new(RawClear), new(RawClear, 1)];
        return name switch
        {
            "clear" => OfCpu(name, Map, Clear),
            "raw clear" => OfCpu(name, Map, raw),
            "raw clear, flush local" => OfCpu(name, Map, [.. raw, .. FlushBothLocal]),
            "set over, flush local" => OfCpu(name, Map, FlushBothLocal),
            "set over, flush everywhere" => OfCpu(name, Map, FlushEverywhere),
            "preload, clear" => Preloaded(name, GetAndClear),
            "preload, raw clear" => Preloaded(name, RawClear),
            "clear in a batch of its own" => OfCpu(name, Map, [new(EnterLazyMmu), .. Clear, new(LeaveLazyMmu)]),
            "clear in a batch never left" => OfCpu(name, Map, [new(EnterLazyMmu), .. Clear]),
            "clear, flush local" => OfCpu(name, Map, [.. Clear, .. FlushBothLocal]),
            "clear, flush local page 0" => OfCpu(name, Map, [.. Clear, new(FlushLocal)]),
            "clear, flush local page 1" => OfCpu(name, Map, [.. Clear, new(FlushLocal, 1)]),
            "clear, flush everywhere" => OfCpu(name, Map, [.. Clear, .. FlushEverywhere]),
            "flush everywhere, clear" => OfCpu(name, Map, [.. FlushEverywhere, .. Clear]),
            "raw set, clear, flush local" => OfCpu(name, [new(RawSet), new(RawSet, 1)], [.. Clear, .. FlushBothLocal]),
            "raw set, clear, flush everywhere" => OfCpu(name, [new(RawSet), new(RawSet, 1)], [.. Clear, .. FlushEverywhere]),
            "flush everywhere, clear, flush everywhere" => OfCpu(name, [.. Map, .. FlushEverywhere], [.. Clear, .. FlushEverywhere]),
            "address 0: flush everywhere, clear, flush everywhere" => OfCpu(
                name, [new(SetAtAddressZero), new(SetAtAddressZero, 1), .. FlushEverywhere], [.. Clear, .. FlushEverywhere]),
            "no guard: clear" => new Protocol(name, string.Empty, [new(WindowOfProcessor), .. Map, .. Use, .. Clear]),
            "no guard: clear, flush local" =>
                new Protocol(name, string.Empty, [new(WindowOfProcessor), .. Map, .. Use, .. Clear, .. FlushBothLocal]),
            "stock: clear, flush local" => OfStock(name, Map, [.. Clear, .. FlushBothLocal]),
            "stock: clear, flush everywhere" => OfStock(name, Map, [.. Clear, .. FlushEverywhere]),
            "stock: flush everywhere, clear, flush everywhere" =>
                OfStock(name, [.. Map, .. FlushEverywhere], [.. Clear, .. FlushEverywhere]),
            "stock: return, then clear and flush" => new Protocol(
                name, string.Empty, [new(TakeWindow), .. Map, .. Use, new(ReturnWindow), .. Clear, .. FlushEverywhere]),
            _ => throw new ArgumentException(name),
        };
    }

    private static Protocol OfCpu(string name, ProtocolStep[] map, ProtocolStep[] unmap) =>
        new(name, string.Empty, [new(PreemptDisable), new(WindowOfProcessor), .. map, .. Use, .. unmap, new(PreemptEnable)]);

    private static Protocol OfStock(string name, ProtocolStep[] map, ProtocolStep[] unmap) =>
        new(name, string.Empty, [new(TakeWindow), .. map, .. Use, .. unmap, new(ReturnWindow)]);

    // Without an access, which would find the stranded entry before a second one could be made.
    private static Protocol Preloaded(string name, Operation clear) =>
        new(name, string.Empty, [new(PreemptDisable), new(WindowOfProcessor), new(Set), new(Preload), new(clear), new(PreemptEnable)]);
}
