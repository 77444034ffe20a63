namespace PageFold.Testing;

/// <summary>Allocations on the GC heap in steady state.</summary>
internal static class Allocations
{
    /// <summary>The fewest bytes that one of several calls allocates after a warm-up.</summary>
    public static long Least(Func<long> allocated, Action action, int warmUp = 40)
    {
        // Tables, buffers and compiled code are made on the way to the steady state.
        for (int i = 0; i < warmUp; i++)
            action();
        long least = long.MaxValue;
        for (int i = 0; i < 4; i++)
        {
            long before = allocated();
            action();
            least = Math.Min(least, allocated() - before);
        }
        return least;
    }
}
