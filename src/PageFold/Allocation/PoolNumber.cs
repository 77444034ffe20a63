namespace PageFold.Allocation;

/// <summary>
/// The number of an open pool, 1 to 4095, held by one pool at a time and taken up again as late as possible. A pool that is forgotten gives it back when it is
/// collected.
/// </summary>
internal sealed class PoolNumber : IDisposable
{
    private const int Count = 1 << ZsHandle.PoolBits;

    private static readonly Lock Guard = new();
    private static readonly bool[] InUse = new bool[Count];
    private static int s_last;

    private bool _returned;

    /// <exception cref="InvalidOperationException">As many pools as there are numbers are open.</exception>
    public PoolNumber()
    {
        lock (Guard)
        {
            for (int i = 1; i < Count; i++)
            {
                int number = (s_last + i - 1) % (Count - 1) + 1;
                if (InUse[number])
                    continue;
                InUse[number] = true;
                s_last = number;
                Value = (uint)number;
                return;
            }
        }
        GC.SuppressFinalize(this);
        throw Throw.TooManyPools(Count - 1);
    }

    ~PoolNumber() => Return();

    public uint Value { get; }

    public void Dispose()
    {
        Return();
        GC.SuppressFinalize(this);
    }

    private void Return()
    {
        lock (Guard)
        {
            if (!_returned)
                InUse[Value] = false;
            _returned = true;
        }
    }
}
