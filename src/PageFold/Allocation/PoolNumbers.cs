namespace PageFold.Allocation;

/// <summary>Numbers for open pools, 1 to 4095, each given to one pool at a time and taken up again as late as possible.</summary>
internal static class PoolNumbers
{
    private const int Count = 1 << ZsHandle.PoolBits;

    private static readonly Lock Guard = new();
    private static readonly bool[] InUse = new bool[Count];
    private static int s_last;

    public static uint Take()
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
                return (uint)number;
            }
        }
        throw Throw.TooManyPools(Count - 1);
    }

    public static void Return(uint number)
    {
        lock (Guard)
            InUse[number] = false;
    }
}
