namespace PageFold.Cli.Bench.Alloc;

/// <summary>The objects that all allocators hold at the same time, each of a real size and with a content that can be verified.</summary>
/// <remarks>Also chooses the operations that replace objects, outside the time that is measured.</remarks>
internal sealed class Population
{
    private const int Seed = 2026;

    private readonly int[] _realSizes;
    private readonly int[] _sizes;
    private readonly int[] _numbers;
    private readonly Random _random = new(Seed);

    /// <param name="realSizes">The initial sizes of the objects; later sizes are chosen from them.</param>
    public Population(int[] realSizes)
    {
        _realSizes = realSizes;
        _sizes = [.. realSizes];
        _numbers = [.. Enumerable.Range(0, realSizes.Length)];
        RandomOrder = [.. _numbers];
        NextNumber = realSizes.Length;
        _random.Shuffle(RandomOrder);
    }

    public int Count => _sizes.Length;

    /// <summary>All places in random order.</summary>
    public int[] RandomOrder { get; }

    /// <summary>The number of the next content: objects allocated from now on have this number or a higher one.</summary>
    public int NextNumber { get; private set; }

    public long AskedBytes => _sizes.Sum(size => (long)size);

    /// <summary>The total size of the objects in these places, in bytes.</summary>
    public long AskedBytesOf(ReadOnlySpan<int> places)
    {
        long sum = 0;
        foreach (int place in places)
            sum += _sizes[place];
        return sum;
    }

    /// <summary>Chooses the operations that allocate these objects.</summary>
    public void ChooseFill(Batch batch, ReadOnlySpan<int> places)
    {
        batch.Count = places.Length;
        for (int i = 0; i < places.Length; i++)
        {
            batch.Places[i] = places[i];
            batch.Sizes[i] = _sizes[places[i]];
            batch.Numbers[i] = _numbers[places[i]];
        }
    }

    /// <summary>Chooses operations that replace random objects by objects of other real sizes.</summary>
    public void ChooseChurn(Batch batch, int count)
    {
        batch.Count = count;
        for (int i = 0; i < count; i++)
        {
            int place = _random.Next(Count);
            batch.Places[i] = place;
            batch.Sizes[i] = _sizes[place] = _realSizes[_random.Next(Count)];
            batch.Numbers[i] = _numbers[place] = NextNumber++;
        }
    }

    /// <summary>Compares the content of every object with the expected one.</summary>
    public bool IsHeldBy(Allocator allocator, Contents contents)
    {
        for (int place = 0; place < Count; place++)
        {
            if (!allocator.Holds(place, contents[_numbers[place], _sizes[place]]))
                return false;
        }
        return true;
    }

    /// <summary>True if every object that was allocated since then, without content, is zeros.</summary>
    public bool IsZeroedBy(Allocator allocator, int since)
    {
        byte[] zeros = new byte[_sizes.Max()];
        for (int place = 0; place < Count; place++)
        {
            if (_numbers[place] >= since && !allocator.Holds(place, zeros.AsSpan(0, _sizes[place])))
                return false;
        }
        return true;
    }
}
