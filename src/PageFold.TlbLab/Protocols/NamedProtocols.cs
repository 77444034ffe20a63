using static PageFold.TlbLab.Operation;

namespace PageFold.TlbLab;

/// <summary>The protocols of the matrix: the historic ones, variants that each omit one thing, and the one that the pool uses.</summary>
public static class NamedProtocols
{
    /// <summary>As mailed in March 2012: address 0 when setting, get-and-clear, and a local flush of the second page only.</summary>
    public static Protocol Mailed { get; } = OfProcessor(
        "mailed",
        "as mailed in 2012: entries set with address 0, get-and-clear, only the second page flushed, locally",
        SetAtAddressZero,
        Step(GetAndClear, 0), Step(GetAndClear, 1), Step(FlushLocal, 1));

    /// <summary>The x86-only driver before it: entries overwritten with zero, both pages flushed locally.</summary>
    public static Protocol Original { get; } = OfProcessor(
        "original",
        "the x86 driver before it: raw clear, both pages flushed locally",
        Set,
        Step(RawClear, 0), Step(RawClear, 1), Step(FlushLocal, 0), Step(FlushLocal, 1));

    /// <summary>Get-and-clear, then both pages flushed locally.</summary>
    public static Protocol ClearFlushBothLocal { get; } = OfProcessor(
        "clear-flush-both-local",
        "get-and-clear, then both pages flushed locally",
        Set,
        Step(GetAndClear, 0), Step(GetAndClear, 1), Step(FlushLocal, 0), Step(FlushLocal, 1));

    /// <summary>Get-and-clear, then both pages flushed on all processors.</summary>
    public static Protocol ClearFlushBothBroadcast { get; } = OfProcessor(
        "clear-flush-both-broadcast",
        "get-and-clear, then both pages flushed on all processors",
        Set,
        Step(GetAndClear, 0), Step(GetAndClear, 1), Step(FlushRange));

    /// <summary>Get-and-clear and no flush.</summary>
    public static Protocol NoFlush { get; } = OfProcessor(
        "noflush",
        "get-and-clear, nothing flushed",
        Set,
        Step(GetAndClear, 0), Step(GetAndClear, 1));

    /// <summary>The flush, on all processors, before the clear.</summary>
    public static Protocol FlushBeforeClear { get; } = OfProcessor(
        "flush-before-clear",
        "both pages flushed on all processors, then get-and-clear",
        Set,
        Step(FlushRange), Step(GetAndClear, 0), Step(GetAndClear, 1));

    /// <summary>Copying through a buffer of the processor, as the kernel does since July 2012.</summary>
    public static Protocol Copy { get; } = new("copy", "copied into a buffer of the processor and back, preemption off",
    [
        Step(PreemptDisable), Step(WindowOfProcessor), Step(CopyIn, 0), Step(CopyIn, 1), Step(AccessCopy, 0), Step(AccessCopy, 1),
        Step(CopyOut, 0), Step(CopyOut, 1), Step(PreemptEnable),
    ]);

    /// <summary>The pool's own, recorded by running it.</summary>
    public static Protocol Shipping { get; } = ProtocolRecorder.Record("shipping", "the pool's own, recorded by running it");

    /// <summary>All protocols, in the order of tables.</summary>
    public static IReadOnlyList<Protocol> All { get; } =
        [Mailed, Original, ClearFlushBothLocal, ClearFlushBothBroadcast, NoFlush, FlushBeforeClear, Copy, Shipping];

    private static ProtocolStep Step(Operation operation, int page = 0) => new(operation, page);

    private static Protocol OfProcessor(
        string name, string description, Operation set, params ReadOnlySpan<ProtocolStep> unmap) => new(name, description,
    [
        Step(PreemptDisable), Step(WindowOfProcessor), Step(set, 0), Step(set, 1), Step(Access, 0), Step(Access, 1),
        .. unmap, Step(PreemptEnable),
    ]);
}
