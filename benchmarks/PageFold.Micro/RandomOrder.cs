namespace PageFold.Micro;

/// <summary>
/// Walks numbers in a random order, round and round: each invocation of a benchmark goes on where the last one ended, so that caches and branch predictors see all
/// of the data and not what they have just seen. The same order each time.
/// </summary>
internal sealed class RandomOrder
{
    private readonly int[] _numbers;
    private int _next;

    /// <param name="count">The numbers are 0 to one less.</param>
    /// <param name="seed">Different seeds give different orders.</param>
    public RandomOrder(int count, int seed)
    {
        _numbers = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(_numbers);
    }

    /// <summary>The next number.</summary>
    public int Next()
    {
        int next = _next;
        _next = next + 1 == _numbers.Length ? 0 : next + 1;
        return _numbers[next];
    }
}
