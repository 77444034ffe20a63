using System.Numerics;

namespace PageFold.Caching.Expiry;

/// <summary>The slots: lists of groups, linked both ways, and a bit for each list of a level that is not empty.</summary>
internal sealed unsafe partial class ExpiryWheel
{
    private const int Levels = 4;
    private const int LevelBits = 8;
    private const int LevelSlots = 1 << LevelBits;

    // Groups whose deadline the wheel's time has reached, in any order.
    private const uint Due = Levels * LevelSlots;

    // The groups of a slot that the wheel's time has reached and that are being moved to lower levels.
    private const uint Pending = Due + 1;

    private const int Lists = (int)Pending + 1;
    private const int LevelWords = LevelSlots / 64;
    private const int BitBytes = Levels * LevelWords * sizeof(ulong);
    private const long WheelBytes = BitBytes + Lists * sizeof(uint);

    // Marks the number of a list in the place of the group before its first group.
    private const uint ListMark = 1u << 31;

    private byte* _slots;

    private long SlotBytes => _slots == null ? 0 : WheelBytes;

    private ulong* Bits => (ulong*)_slots;

    // The first group of each list, counted from 1; 0 for an empty list. So are the links.
    private uint* Heads => (uint*)(_slots + BitBytes);

    private bool TryMakeSlots() => (_slots = memory.TryAllocate(WheelBytes)) != null;

    private void FreeSlots()
    {
        if (_slots != null)
            memory.Free(_slots, WheelBytes);
        _slots = null;
    }

    private bool IsEmpty(uint list) => Heads[list] == 0;

    private bool First(uint list, out uint group)
    {
        group = Heads[list] - 1;
        return Heads[list] != 0;
    }

    private void Link(uint group)
    {
        uint list = ListOf(_deadlines[group]);
        uint next = Heads[list];
        if (next != 0)
            _links[next - 1].Previous = group + 1;
        else
            Mark(list);
        _links[group] = new Links { Previous = ListMark | list, Next = next };
        Heads[list] = group + 1;
    }

    private void Unlink(uint group)
    {
        Links links = _links[group];
        if (links.Next != 0)
            _links[links.Next - 1].Previous = links.Previous;
        if ((links.Previous & ListMark) == 0)
        {
            _links[links.Previous - 1].Next = links.Next;
            return;
        }
        uint list = links.Previous & ~ListMark;
        Heads[list] = links.Next;
        if (links.Next == 0)
            Unmark(list);
    }

    private uint ListOf(uint deadline)
    {
        if (deadline <= _now)
            return Due;
        int level = BitOperations.Log2(deadline ^ _now) / LevelBits;
        return (uint)level * LevelSlots + (byte)(deadline >> (level * LevelBits));
    }

    // Goes ahead to the next slot that has groups, or to the time. Lower levels come first: their slots lie before the next of a higher
    // one.
    private bool TryAdvance(uint now)
    {
        for (int level = 0; level < Levels && _now < now; level++)
        {
            int shift = level * LevelBits;
            int slot = NextSlot(level, (byte)(_now >> shift));
            if (slot < 0)
                continue;
            ulong above = (ulong)_now >> (shift + LevelBits) << (shift + LevelBits);
            uint time = (uint)above | (uint)slot << shift;
            if (time > now)
                break;
            _now = time;
            MoveAll((uint)(level * LevelSlots + slot), level == 0 ? Due : Pending);
            return true;
        }
        // No slot lies between: each group differs from the new time in the same byte as from the old one.
        _now = now;
        return false;
    }

    // The first slot after another one that has groups, or -1.
    private int NextSlot(int level, int after)
    {
        int from = after + 1;
        ulong* bits = Bits + level * LevelWords;
        for (int word = from / 64; word < LevelWords; word++)
        {
            ulong rest = bits[word];
            if (word == from / 64)
                rest &= ulong.MaxValue << (from % 64);
            if (rest != 0)
                return word * 64 + BitOperations.TrailingZeroCount(rest);
        }
        return -1;
    }

    private void MoveAll(uint list, uint emptyList)
    {
        uint head = Heads[list];
        Heads[list] = 0;
        Unmark(list);
        Heads[emptyList] = head;
        _links[head - 1].Previous = ListMark | emptyList;
    }

    // The clock of a virtual machine that was restored, or a test's.
    private bool TryGoBack(uint now)
    {
        if (_now - now <= Patience)
            return false;
        new Span<byte>(_slots, (int)WheelBytes).Clear();
        _now = now;
        for (uint group = 0; group < _groups; group++)
        {
            if (_deadlines[group] is not (0 or CacheClock.Never))
                Link(group);
        }
        return true;
    }

    private void Mark(uint list)
    {
        if (list < Due)
            Bits[list / 64] |= 1UL << (int)(list % 64);
    }

    private void Unmark(uint list)
    {
        if (list < Due)
            Bits[list / 64] &= ~(1UL << (int)(list % 64));
    }

    private struct Links
    {
        public uint Previous;
        public uint Next;
    }
}
