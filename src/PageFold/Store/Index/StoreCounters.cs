using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>What a store counts.</summary>
internal enum StoreCounter
{
    Pages,
    CompressedBytes,
    SameFilled,
    Incompressible,
    Refused,
    Emptied,
    WrittenBack,
    WrittenBackBytes,
    WritebackWrites,
    WritebackReads,

    /// <summary>Compressed pages by codec number: this one and the three after it.</summary>
    FirstCodec,
    LastCodec = FirstCodec + PageWord.MaxCodecs - 1,
}

/// <summary>A store's counters, or one processor's part of them.</summary>
[InlineArray((int)StoreCounter.LastCodec + 1)]
internal struct StoreFigures
{
    private long _first;

    public long this[StoreCounter counter]
    {
        readonly get => this[(int)counter];
        set => this[(int)counter] = value;
    }
}

/// <summary>
/// Counters that are added to on one processor's line each, and read as one: all that belongs to one change is added while the line's latch
/// is held, and a reader holds the latches of all lines. Thread-safe.
/// </summary>
/// <remarks>
/// A part may be negative, because a page may be counted on one line and taken off on another; the sum is exact. A change of a page is
/// counted while its slot is held, so what a page adds is there before it is taken off again. While it holds a latch no caller takes
/// another lock, except that statistics read the size of the writeback file, whose lock is held for a few instructions.
/// </remarks>
internal sealed class StoreCounters
{
    private readonly Line[] _lines = new Line[Stripes.Count];

    /// <summary>Begins a change on a processor's line: what the caller adds until <see cref="Exit"/> is seen whole or not at all.</summary>
    public ref StoreFigures Enter(int stripe)
    {
        ref Line line = ref _lines[stripe];
        line.Latch.Enter();
        return ref line.Figures;
    }

    public void Exit(int stripe) => _lines[stripe].Latch.Exit();

    public void Add(int stripe, StoreCounter counter, long amount)
    {
        Enter(stripe)[counter] += amount;
        Exit(stripe);
    }

    /// <summary>The sum of one counter.</summary>
    public long Read(StoreCounter counter)
    {
        StoreFigures sums = EnterAll();
        ExitAll();
        return sums[counter];
    }

    /// <summary>
    /// The sum of a counter that only grows, without a latch: what it was at some moment during the call, or between two such.
    /// </summary>
    public long ReadTotal(StoreCounter counter)
    {
        long sum = 0;
        foreach (ref Line line in _lines.AsSpan())
            sum += Volatile.Read(ref line.Figures[(int)counter]);
        return sum;
    }

    /// <summary>The sums of all counters, which stay what they are until <see cref="ExitAll"/>.</summary>
    public StoreFigures EnterAll()
    {
        StoreFigures sums = default;
        foreach (ref Line line in _lines.AsSpan())
        {
            line.Latch.Enter();
            for (int counter = 0; counter <= (int)StoreCounter.LastCodec; counter++)
                sums[counter] += line.Figures[counter];
        }
        return sums;
    }

    public void ExitAll()
    {
        foreach (ref Line line in _lines.AsSpan())
            line.Latch.Exit();
    }

    // Two cache lines, so that no two processors share more than one.
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Line
    {
        public Latch Latch;
        public StoreFigures Figures;
    }
}
