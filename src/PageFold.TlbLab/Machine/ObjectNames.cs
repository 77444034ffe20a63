using static PageFold.TlbLab.MachineLayout;

namespace PageFold.TlbLab;

/// <summary>Renames the objects of a state in the order in which its fields mention them.</summary>
/// <remarks>
/// Objects are alike: it only matters whether two are the same. So each state is explored once for all ways to name its objects.
/// </remarks>
internal static class ObjectNames
{
    private const int BitsPerName = 4;

    /// <summary>The names if nothing is renamed.</summary>
    public const uint Same = 0x3210;

    private const uint Unnamed = 0xFFFF;

    /// <summary>Renames the objects of a state.</summary>
    /// <param name="layout">The layout of the state.</param>
    /// <param name="state">Changed in place.</param>
    /// <param name="sets">The meaning of the high four bits of a set: true for four more objects, false for other flags.</param>
    /// <returns>The new names, four bits for each old name.</returns>
    public static uint Normalise(MachineLayout layout, Span<byte> state, bool sets)
    {
        uint names = Unnamed;
        int live = 0;
        for (int context = 0; context <= layout.Interrupt; context++)
            Meet(state[layout.Context(context) + MachineLayout.Mapped] - 1, ref names, ref live);
        for (int slot = 0; slot < layout.Slots; slot++)
            Meet(Machine.ObjectOf(state[Entry(slot)]), ref names, ref live);
        for (int field = layout.Masks; field < layout.MasksEnd && live < MaxObjects; field++)
        {
            uint left = Objects(state[field], sets);
            for (int item = 0; left >> item != 0; item++)
            {
                if ((left >> item & 1) != 0)
                    Meet(item, ref names, ref live);
            }
        }
        state[Live] = (byte)live;
        // Objects that the state does not mention get the remaining names.
        int next = live;
        for (int item = 0; item < MaxObjects; item++)
        {
            if (NameOf(names, item) > MaxObjects)
                names = Named(names, item, next++);
        }
        if (names != Same)
            Rename(layout, state, sets, names);
        return names;
    }

    public static int NameOf(uint names, int item) => (int)(names >> (item * BitsPerName) & 0xF);

    private static uint Named(uint names, int item, int name) =>
        names & ~(0xFu << (item * BitsPerName)) | (uint)name << (item * BitsPerName);

    private static void Meet(int item, ref uint names, ref int live)
    {
        if (item >= 0 && NameOf(names, item) > MaxObjects)
            names = Named(names, item, live++);
    }

    private static uint Objects(byte set, bool sets) => sets ? (uint)(set & 0xF | set >> 4) : set & 0xFu;

    private static void Rename(MachineLayout layout, Span<byte> state, bool sets, uint names)
    {
        for (int context = 0; context <= layout.Interrupt; context++)
        {
            ref byte item = ref state[layout.Context(context) + MachineLayout.Mapped];
            if (item > 0)
                item = (byte)(NameOf(names, item - 1) + 1);
        }
        for (int slot = 0; slot < layout.Slots; slot++)
        {
            ref byte entry = ref state[Entry(slot)];
            int item = Machine.ObjectOf(entry);
            if (item >= 0)
                entry = (byte)(entry - item + NameOf(names, item));
        }
        for (int field = layout.Masks; field < layout.MasksEnd; field++)
        {
            byte set = state[field];
            if (set != 0)
                state[field] = (byte)(Renamed(set & 0xF, names) | (sets ? Renamed(set >> 4, names) << 4 : set & 0xF0));
        }
    }

    private static int Renamed(int set, uint names)
    {
        int renamed = 0;
        for (int item = 0; item < MaxObjects; item++)
            renamed |= (set >> item & 1) << NameOf(names, item);
        return renamed;
    }
}
