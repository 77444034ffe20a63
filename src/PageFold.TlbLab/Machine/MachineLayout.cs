namespace PageFold.TlbLab;

/// <summary>
/// Where the fields of a <see cref="MachineState"/> are. Frames need no number of their own: page p of a window only ever gets frame p of an object, so an entry is known by the object.
/// </summary>
/// <remarks>
/// <code>
/// taken      1                     a bit for each window that is taken from the stock; above, the interrupts that are left
/// live       1                     objects that the rest of the state speaks of: 0 to this - 1
/// entry      windows x 2           page-table entry: 0 none, else object + 1, and the flag of the architecture
/// tlb        cpus x windows x 2    what the TLB MAY hold for the page: a bit for each object, four more for entries that are tagged (ARMv7), one for invalid (RISC-V); zero bits: nothing
///   or, with a hash table:
/// hash       windows x 2           what the hash table holds for the page, a bit for each object
/// queue      cpus x windows x 2    what the processor's batch will remove from there
/// context    8 x (cpus + 1)        the tasks and, last, the interrupt
/// </code>
/// </remarks>
internal sealed class MachineLayout
{
    public const int MostCpus = 3;
    public const int MostObjects = 4;
    public const int Pages = 2;

    public const int Taken = 0;
    public const int Live = 1;
    private const int Entries = 2;

    // The fields of a context.
    public const int Step = 0;
    public const int CyclesLeft = 1;
    public const int Mapped = 2;

    // The window's number, from 1, and whether it was taken from the stock.
    public const int Window = 3;
    public const int Held = 0x80;
    private const int WindowPart = 0x0F;

    public const int Cpu = 4;
    public const int Guard = 5;
    public const int Lazy = 6;

    // A bit for each page that was set and may not be seen yet, and above them one for each part of a copy that was written and not yet copied back.
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

    /// <summary>The number of the interrupt among the contexts; those below are tasks.</summary>
    public int Interrupt => Cpus;

    /// <summary>The first of the fields that are sets of objects.</summary>
    public int Masks { get; }

    /// <summary>Behind the last of them.</summary>
    public int MasksEnd { get; }

    /// <summary>The window that a context has chosen; -1 if none.</summary>
    public static int WindowOf(ReadOnlySpan<byte> context) => (context[Window] & WindowPart) - 1;

    public static int Slot(int window, int page) => window * Pages + page;

    public static int Entry(int slot) => Entries + slot;

    public int Tlb(int cpu, int slot) => Masks + cpu * Slots + slot;

    public int Hash(int slot) => Masks + slot;

    public int Queue(int cpu, int slot) => Masks + Slots + cpu * Slots + slot;

    /// <summary>Where a task, or the interrupt, begins.</summary>
    public int Context(int number) => _contexts + number * ContextSize;
}
