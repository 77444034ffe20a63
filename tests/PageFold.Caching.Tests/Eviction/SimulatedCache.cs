using PageFold.Caching.Eviction;

namespace PageFold.Caching.Tests.Eviction;

/// <summary>A cache without values: an open hash table of hashes and states, driven by a real <see cref="Evictor{TResidents}"/>.</summary>
/// <remarks>
/// Entries lie in the order of their hashes and move when others go, so the hand sees them as in the index of the real cache. Two keys with
/// the same 31 bits of hash are one key here.
/// </remarks>
internal sealed class SimulatedCache : IDisposable
{
    private const uint Free = uint.MaxValue;
    private const byte FrequencyMask = 3;
    private const byte Main = 4;

    private readonly Evictor<Face> _evictor;
    private Slot[] _slots = NewTable(64);
    private int _hand;

    public SimulatedCache(CacheMemory memory, in EvictorOptions options) =>
        _evictor = Evictor<Face>.TryCreate(new Face(this), memory, options)
        ?? throw new InvalidOperationException("The limit has no room for the tables.");

    public Evictor<Face> Evictor => _evictor;

    public long Count => SmallEntries + MainEntries;

    public long Bytes => SmallBytes + MainBytes;

    private long SmallEntries { get; set; }

    private long MainEntries { get; set; }

    private long SmallBytes { get; set; }

    private long MainBytes { get; set; }

    /// <summary>The keyed hash of a key, 31 bits.</summary>
    public static uint Hash(long key, ulong seed) => (uint)(HashMixing.Mix((ulong)key + (seed * 0x9E37_79B9_7F4A_7C15)) >> 33);

    /// <summary>Requests a key as a user of a cache does: get, and on a miss set. True on a hit.</summary>
    public bool Request(uint hash, int bytes = 1, long largest = long.MaxValue)
    {
        if (Get(hash))
            return true;
        if (bytes <= largest)
            Set(hash, bytes);
        return false;
    }

    public bool Get(uint hash)
    {
        int slot = Find(hash);
        if (slot < 0)
            return false;
        ref byte state = ref _slots[slot].State;
        if ((state & FrequencyMask) < FrequencyMask)
            state++;
        if (_evictor.IsSampled(hash))
            _evictor.RecordSampled(hash);
        return true;
    }

    public bool Set(uint hash, int bytes)
    {
        if (!_evictor.TryMakeRoom(bytes))
            return false;
        Add(new Slot { Hash = hash, Bytes = bytes });
        SmallEntries++;
        SmallBytes += bytes;
        _evictor.OnInsert(hash);
        return true;
    }

    public bool Remove(uint hash)
    {
        int slot = Find(hash);
        if (slot < 0)
            return false;
        RemoveAt(slot);
        return true;
    }

    /// <summary>Checks the counts against the table.</summary>
    public void AssertCounts()
    {
        Slot[] live = [.. _slots.Where(slot => slot.Hash != Free)];
        Assert.True(live.Length == Count && live.Sum(slot => (long)slot.Bytes) == Bytes);
        Assert.True(live.Count(slot => (slot.State & Main) != 0) == MainEntries);
    }

    public void Dispose() => _evictor.Dispose();

    private static Slot[] NewTable(int length)
    {
        Slot[] table = new Slot[length];
        table.AsSpan().Fill(new Slot { Hash = Free });
        return table;
    }

    private int Home(uint hash) => (int)(((ulong)hash * (ulong)_slots.Length) >> 31);

    private int Next(int slot) => slot + 1 < _slots.Length ? slot + 1 : 0;

    private int Find(uint hash)
    {
        for (int slot = Home(hash); _slots[slot].Hash != Free; slot = Next(slot))
        {
            if (_slots[slot].Hash == hash)
                return slot;
        }
        return -1;
    }

    private void Add(Slot entry)
    {
        if ((Count + 1) * 3 > _slots.Length * 2L)
        {
            Slot[] old = _slots;
            _slots = NewTable(old.Length * 2);
            _hand *= 2;
            foreach (Slot slot in old.Where(slot => slot.Hash != Free))
                Place(slot);
        }
        Place(entry);
    }

    private void Place(Slot entry)
    {
        int slot = Home(entry.Hash);
        while (_slots[slot].Hash != Free)
            slot = Next(slot);
        _slots[slot] = entry;
    }

    private void RemoveAt(int slot)
    {
        Slot entry = _slots[slot];
        if ((entry.State & Main) == 0)
        {
            SmallEntries--;
            SmallBytes -= entry.Bytes;
        }
        else
        {
            MainEntries--;
            MainBytes -= entry.Bytes;
        }
        int gap = slot;
        for (int next = Next(slot); _slots[next].Hash != Free; next = Next(next))
        {
            int home = Home(_slots[next].Hash);
            // An entry may not move in front of its home.
            bool reachable = gap <= next ? home <= gap || home > next : home <= gap && home > next;
            if (reachable)
            {
                _slots[gap] = _slots[next];
                gap = next;
            }
        }
        _slots[gap].Hash = Free;
    }

    private struct Slot
    {
        public uint Hash;
        public int Bytes;
        public byte State;
        public byte Stamp;
    }

    /// <summary>How the eviction sees the cache.</summary>
    internal readonly struct Face(SimulatedCache owner) : IResidents
    {
        public long SmallEntries => owner.SmallEntries;

        public long SmallBytes => owner.SmallBytes;

        public long MainEntries => owner.MainEntries;

        public long MainBytes => owner.MainBytes;

        public bool TryFindSmall(uint hash, out Resident small)
        {
            int slot = owner.Find(hash);
            bool found = slot >= 0 && (owner._slots[slot].State & Main) == 0;
            small = found ? Copy(slot) : default;
            return found;
        }

        public bool TryPromote(in Resident small, byte stamp)
        {
            int slot = owner.Find(small.Hash);
            if (slot < 0)
                return false;
            ref Slot entry = ref owner._slots[slot];
            entry.State = Main;
            entry.Stamp = stamp;
            owner.SmallEntries--;
            owner.MainEntries++;
            owner.SmallBytes -= entry.Bytes;
            owner.MainBytes += entry.Bytes;
            return true;
        }

        public long Sweeps => 1;

        public bool TrySweep(Span<uint> passed, out int passedCount, out Resident victim)
        {
            passedCount = 0;
            victim = default;
            if (owner.MainEntries == 0)
                return false;
            while (true)
            {
                owner._hand = owner.Next(owner._hand);
                ref Slot entry = ref owner._slots[owner._hand];
                if (entry.Hash == Free || (entry.State & Main) == 0)
                    continue;
                if ((entry.State & FrequencyMask) == 0 || passedCount == passed.Length)
                {
                    victim = Copy(owner._hand);
                    return true;
                }
                entry.State--;
                passed[passedCount++] = entry.Hash;
            }
        }

        public int Sample(ulong random, Span<Resident> sample)
        {
            if (owner.MainEntries == 0)
                return 0;
            for (int i = 0; i < sample.Length; i++)
            {
                int slot = owner.Home((uint)(HashMixing.Mix(random + (ulong)i) >> 33));
                while (owner._slots[slot].Hash == Free || (owner._slots[slot].State & Main) == 0)
                    slot = owner.Next(slot);
                sample[i] = Copy(slot);
            }
            return sample.Length;
        }

        public void Restamp(in Resident main, byte stamp)
        {
            int slot = owner.Find(main.Hash);
            owner._slots[slot].Stamp = stamp;
            owner._slots[slot].State = Main;
        }

        public bool TryEvict(in Resident entry)
        {
            int slot = owner.Find(entry.Hash);
            if (slot < 0)
                return false;
            owner.RemoveAt(slot);
            return true;
        }

        private Resident Copy(int slot)
        {
            Slot entry = owner._slots[slot];
            return new Resident(entry.Hash, slot, entry.State & FrequencyMask, entry.Bytes, entry.Stamp);
        }
    }
}
