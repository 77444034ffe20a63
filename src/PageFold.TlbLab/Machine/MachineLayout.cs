namespace PageFold.TlbLab;

/// <summary>The layout of the fields of a <see cref="MachineState"/>.</summary>
/// <remarks>
/// Frames need no numbers: page p of a window only ever maps frame p of an object, so the object identifies an entry.
/// <code>
/// taken      1                     a bit for each window taken from the stock; above, the number of interrupts left
/// live       1                     objects that the rest of the state mentions: 0 to this - 1
/// entry      windows x 2           page-table entry: 0 none, else object + 1, and the flag of the architecture
/// tlb        cpus x windows x 2    what the TLB MAY hold for the page; zero: nothing. A bit for each object, four
///                                  more for tagged entries (ARMv7), one for an invalid entry (RISC-V)
///   or, with a hash table:
/// hash       windows x 2           what the hash table holds for the page, a bit for each object
/// queue      cpus x windows x 2    what the processor's batch will remove from the hash table
/// context    8 x (cpus + 1)        the tasks and, last, the interrupt
/// </code>
/// </remarks>
internal sealed class MachineLayout
{
    public const int MaxCpus = 3;
    public const int MaxObjects = 4;
    public const int Pages = 2;

    public const int Taken = 0;
    public const int Live = 1;
    private const int Entries = 2;

    // The fields of a context.
    public const int Step = 0;
    public const int CyclesLeft = 1;
    public const int Mapped = 2;

    // The window's number, from 1, and a flag: it was taken from the stock.
    public const int Window = 3;
    public const int Held = 0x80;
    private const int WindowPart = 0x0F;

    public const int Cpu = 4;
    public const int Guard = 5;
    public const int Lazy = 6;

    // A bit for each page that was set and may be invisible yet. Above them, a bit for each part of a copy that was written and not copied
    // back.
    public const int Unseen = 7;
    public const int UnsavedShift = 4;
    public const int Unsaved = 0xF0;
    public const int ContextSize = 8;

    private readonly int _contexts;

    public MachineLayout(int cpus, int windows)
    {
        Cpus = cpus;
        Windows = windows;
        Slots = windows * Pages;
        Masks = Entries + Slots;
        _contexts = MachineState.Size - ContextSize * (cpus + 1);
        MasksEnd = Masks + Slots * (cpus + 1);
        if (MasksEnd > _contexts)
            throw new InvalidOperationException("The state does not fit.");
    }

    public int Cpus { get; }

    public int Windows { get; }

    /// <summary>Pages of all windows.</summary>
    public int Slots { get; }

    /// <summary>The number of the interrupt among the contexts; lower numbers are tasks.</summary>
    public int Interrupt => Cpus;

    /// <summary>The first field that is a set of objects.</summary>
    public int Masks { get; }

    /// <summary>The end of these fields.</summary>
    public int MasksEnd { get; }

    /// <summary>The window that a context has chosen; -1 if there is none.</summary>
    public static int WindowOf(ReadOnlySpan<byte> context) => (context[Window] & WindowPart) - 1;

    public static int Slot(int window, int page) => window * Pages + page;

    public static int Entry(int slot) => Entries + slot;

    public int Tlb(int cpu, int slot) => Masks + cpu * Slots + slot;

    public int Hash(int slot) => Masks + slot;

    public int Queue(int cpu, int slot) => Masks + Slots + cpu * Slots + slot;

    /// <summary>The offset of a task, or of the interrupt.</summary>
    public int Context(int number) => _contexts + number * ContextSize;
}
