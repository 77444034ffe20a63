namespace PageFold.Interleavings;

/// <summary>Says at each point which of the threads that can go on does. The first is the one that is running, if it can.</summary>
internal abstract class Chooser(int maxPreemptions)
{
    private int _preemptions;

    /// <summary>The choices of the run so far, where there was more than one.</summary>
    public List<int> Path { get; } = [];

    /// <param name="count">Threads that can go on.</param>
    /// <param name="isPreemption">True if any but the first takes its turn from a thread that could go on.</param>
    public int Choose(int count, bool isPreemption)
    {
        if (isPreemption && _preemptions >= maxPreemptions)
            return 0;
        int chosen = Choose(count, Path.Count);
        Path.Add(chosen);
        if (isPreemption && chosen != 0)
            _preemptions++;
        return chosen;
    }

    protected abstract int Choose(int count, int depth);

    protected void Restart()
    {
        Path.Clear();
        _preemptions = 0;
    }
}

/// <summary>
/// Every run with at most so many preemptions, one after the other. Few preemptions find most faults (Musuvathi and Qadeer, "Iterative
/// context bounding", 2007), and the number of runs stays polynomial in the number of points.
/// </summary>
internal sealed class DepthFirst(int maxPreemptions) : Chooser(maxPreemptions)
{
    private readonly List<(int Chosen, int Count)> _tree = [];

    /// <summary>Goes to the next run; false after the last.</summary>
    public bool TryNext()
    {
        while (_tree.Count > 0 && _tree[^1].Chosen + 1 == _tree[^1].Count)
            _tree.RemoveAt(_tree.Count - 1);
        if (_tree.Count == 0)
            return false;
        _tree[^1] = (_tree[^1].Chosen + 1, _tree[^1].Count);
        Restart();
        return true;
    }

    protected override int Choose(int count, int depth)
    {
        if (depth == _tree.Count)
            _tree.Add((0, count));
        if (_tree[depth].Count != count)
            throw new NotDeterministicException("The scenario is not the same each time: it depends on more than the choices.");
        return _tree[depth].Chosen;
    }
}

/// <summary>The exploration itself is wrong, and has found nothing.</summary>
internal sealed class NotDeterministicException : Exception
{
    public NotDeterministicException()
    {
    }

    public NotDeterministicException(string message)
        : base(message)
    {
    }

    public NotDeterministicException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Runs by chance, the same for the same seed; a thread that can go on mostly does.</summary>
internal sealed class ByChance(int seed, int oneIn) : Chooser(int.MaxValue)
{
    private readonly Random _random = new(seed);

    protected override int Choose(int count, int depth) => _random.Next(oneIn) == 0 ? _random.Next(count) : 0;
}

/// <summary>One run once more.</summary>
internal sealed class Replay(IReadOnlyList<int> path, int maxPreemptions) : Chooser(maxPreemptions)
{
    protected override int Choose(int count, int depth) => depth < path.Count ? path[depth] : 0;
}
