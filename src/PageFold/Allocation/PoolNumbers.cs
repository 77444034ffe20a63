namespace PageFold.Allocation;

/// <summary>The numbers of open pools, and the generation at which each number's next pool starts.</summary>
/// <remarks>
/// One pool at a time holds a number, and a number is reused as late as possible. The slots of the next pool with a number start one
/// generation above the highest that the previous pool used, so handles of the previous pool are stale in the next one. Thread-safe. When
/// all 2^24 generations of a number are used up, by one pool or by several, the next pool starts at a random generation: a handle that was
/// kept since then is taken for a valid one with a probability of 2^-24.
/// </remarks>
/// <param name="count">The maximum of pools that are open at once.</param>
internal sealed class PoolNumbers(int count)
{
    private readonly Lock _lock = new();
    private readonly Entry[] _entries = new Entry[count + 1];
    private int _last;

    /// <summary>The numbers of all pools of the process.</summary>
    public static PoolNumbers Shared { get; } = new((1 << ZsHandle.PoolBits) - 1);

    /// <summary>Takes a number that no open pool has.</summary>
    /// <param name="origin">The generation at which the pool's slots start.</param>
    /// <exception cref="InvalidOperationException">All numbers are in use.</exception>
    public uint Take(out uint origin)
    {
        lock (_lock)
        {
            for (int i = 0; i < count; i++)
            {
                // Numbers start at 1, so that the handle of all zeros belongs to no pool.
                int number = (_last + i) % count + 1;
                if (_entries[number].InUse)
                    continue;
                _entries[number].InUse = true;
                _last = number;
                origin = _entries[number].Origin;
                return (uint)number;
            }
        }
        throw HeapThrow.TooManyPools(count);
    }

    /// <summary>Gives a number back.</summary>
    /// <param name="number">The number; no handle with it is valid any more.</param>
    /// <param name="generations">The maximum of generations, from the origin on, that the pool's slots have used.</param>
    public void Return(uint number, uint generations)
    {
        lock (_lock)
        {
            ref Entry entry = ref _entries[number];
            entry.InUse = false;
            entry.Used += generations;
            entry.Origin = entry.Origin + generations & ZsHandle.MaxGeneration;
            if (entry.Used <= ZsHandle.MaxGeneration)
                return;
            entry.Used = 0;
            // The first 32 bits of the GUID are random bits of the system.
            entry.Origin = BitConverter.ToUInt32(Guid.NewGuid().ToByteArray()) & ZsHandle.MaxGeneration;
        }
    }

    private struct Entry
    {
        public bool InUse;
        public uint Origin;

        // Generations used since the origin was last chosen at random, or since the start.
        public ulong Used;
    }
}
