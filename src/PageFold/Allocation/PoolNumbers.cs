namespace PageFold.Allocation;

/// <summary>
/// The numbers of open pools. A number is held by one pool at a time and taken up again as late as possible. For each number it keeps the generation at which the slots of the next pool with that
/// number begin: one past the highest that the pool before has reached, so that its handles are stale in the next pool as they would have been in itself. Thread-safe.
/// </summary>
/// <remarks>
/// When all generations of a number are used up, which is after 2^24 of them in one pool or in several, the next begin at random: a handle that was kept since then is taken for a live one with a
/// probability of 2^-24.
/// </remarks>
/// <param name="count">How many pools can be open at once.</param>
internal sealed class PoolNumbers(int count)
{
    private readonly Lock _lock = new();
    private readonly Entry[] _entries = new Entry[count + 1];
    private int _last;

    /// <summary>The numbers of all pools of the process.</summary>
    public static PoolNumbers Shared { get; } = new((1 << ZsHandle.PoolBits) - 1);

    /// <summary>Takes a number that no open pool has.</summary>
    /// <param name="origin">The generation at which the pool's slots begin.</param>
    /// <exception cref="InvalidOperationException">As many pools as there are numbers are open.</exception>
    public uint Take(out uint origin)
    {
        lock (_lock)
        {
            for (int i = 0; i < count; i++)
            {
                // From 1 on, so that the handle of all zeros is of no pool.
                int number = (_last + i) % count + 1;
                if (_entries[number].InUse)
                    continue;
                _entries[number].InUse = true;
                _last = number;
                origin = _entries[number].Origin;
                return (uint)number;
            }
        }
        throw Throw.TooManyPools(count);
    }

    /// <summary>Gives a number back.</summary>
    /// <param name="number">The number; no handle with it is valid any more.</param>
    /// <param name="generations">How many generations, from the origin on, the pool's slots have had at most.</param>
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
            // Its first 32 bits are random ones of the system.
            entry.Origin = BitConverter.ToUInt32(Guid.NewGuid().ToByteArray()) & ZsHandle.MaxGeneration;
        }
    }

    private struct Entry
    {
        public bool InUse;
        public uint Origin;

        // Generations used up since the origin was last chosen at random, or since the beginning.
        public ulong Used;
    }
}
