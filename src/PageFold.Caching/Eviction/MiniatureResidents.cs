using System.Runtime.CompilerServices;

namespace PageFold.Caching.Eviction;

/// <summary>The entries of a miniature: an array of hashes and one of states.</summary>
/// <remarks>
/// A hash is found by comparing it with all of them, eight at a time: 512 hashes are 2 KiB, which takes less time than one cache miss and
/// needs no table beside it. A slot is free if its state is zero.
/// </remarks>
internal sealed unsafe class MiniatureResidents : IDisposable
{
    /// <summary>The most entries.</summary>
    public const int MostEntries = 512;

    /// <summary>The bytes that it holds.</summary>
    public const long HeldBytes = MostEntries * (sizeof(uint) + sizeof(byte));

    private const byte FrequencyMask = 3;
    private const byte Main = 4;
    private const byte Live = 8;
    private const uint FreeHash = uint.MaxValue;

    private readonly CacheMemory _memory;
    private readonly byte* _block;
    private int _hand;
    private int _used;
    private int _small;
    private int _main;
    private int _lastFreed = -1;

    private MiniatureResidents(CacheMemory memory, byte* block)
    {
        _memory = memory;
        _block = block;
        Hashes.Fill(FreeHash);
    }

    /// <summary>Gets the number of entries.</summary>
    public int Count => _small + _main;

    private Span<uint> Hashes => new(_block, MostEntries);

    private Span<byte> States => new(_block + (MostEntries * sizeof(uint)), MostEntries);

    /// <summary>Takes the memory of a miniature; null when it is refused.</summary>
    public static MiniatureResidents? TryCreate(CacheMemory memory)
    {
        byte* block = memory.TryAllocate(HeldBytes);
        return block == null ? null : new MiniatureResidents(memory, block);
    }

    /// <summary>Raises the frequency of an entry; false if it is not there.</summary>
    public bool TryHit(uint hash)
    {
        int slot = Find(hash);
        if (slot < 0)
            return false;
        if ((States[slot] & FrequencyMask) < FrequencyMask)
            States[slot]++;
        return true;
    }

    /// <summary>Adds an entry to the small part; there must be room.</summary>
    public void Add(uint hash)
    {
        int slot = _lastFreed;
        if (slot < 0)
            slot = _used < MostEntries ? _used++ : Hashes.IndexOf(FreeHash);
        _lastFreed = -1;
        Hashes[slot] = hash;
        States[slot] = Live;
        _small++;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Free(_block, HeldBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Find(uint hash) => Hashes[.._used].IndexOf(hash);

    private Resident At(int slot) => new(Hashes[slot], slot, States[slot] & FrequencyMask, 1);

    /// <summary>How the policy sees the entries.</summary>
    internal readonly struct Face(MiniatureResidents owner) : IResidents
    {
        public long SmallEntries => owner._small;

        public long SmallBytes => owner._small;

        public long MainEntries => owner._main;

        public long MainBytes => owner._main;

        public bool TryFindSmall(uint hash, out Resident small)
        {
            int slot = owner.Find(hash);
            bool found = slot >= 0 && (owner.States[slot] & Main) == 0;
            small = found ? owner.At(slot) : default;
            return found;
        }

        public bool TryPromote(in Resident small, byte stamp)
        {
            owner.States[(int)small.Position] = Live | Main;
            owner._small--;
            owner._main++;
            return true;
        }

        public long Sweeps => 1;

        public bool TrySweep(Span<uint> passed, out int passedCount, out Resident victim)
        {
            passedCount = 0;
            victim = default;
            if (owner._main == 0)
                return false;
            while (true)
            {
                owner._hand = owner._hand + 1 < owner._used ? owner._hand + 1 : 0;
                int slot = owner._hand;
                if ((owner.States[slot] & Main) == 0)
                    continue;
                if ((owner.States[slot] & FrequencyMask) == 0 || passedCount == passed.Length)
                {
                    victim = owner.At(slot);
                    return true;
                }
                owner.States[slot]--;
                passed[passedCount++] = owner.Hashes[slot];
            }
        }

        public int Sample(ulong random, Span<Resident> sample) => 0;

        public void Restamp(in Resident main, byte stamp)
        {
        }

        public bool TryEvict(in Resident entry)
        {
            int slot = (int)entry.Position;
            if ((owner.States[slot] & Main) == 0)
                owner._small--;
            else
                owner._main--;
            owner.States[slot] = 0;
            owner.Hashes[slot] = FreeHash;
            owner._lastFreed = slot;
            return true;
        }
    }
}
