namespace PageFold.Micro;

/// <summary>Numbers in a random order that repeats; the order is the same each time.</summary>
/// <remarks>
/// Each invocation of a benchmark continues where the last one ended, so that caches and branch predictors see all data, not what they have
/// just seen.
/// </remarks>
internal sealed class RandomOrder
{
    private readonly int[] _numbers;
    private int _next;

    /// <param name="count">The numbers are 0 to <paramref name="count"/> - 1.</param>
    /// <param name="seed">The seed of the order.</param>
    public RandomOrder(int count, int seed)
    {
        _numbers = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(_numbers);
    }

    /// <summary>Returns the next number.</summary>
    public int Next()
    {
        int next = _next;
        _next = next + 1 == _numbers.Length ? 0 : next + 1;
        return _numbers[next];
    }
}
