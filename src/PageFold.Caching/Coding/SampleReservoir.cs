namespace PageFold.Caching.Coding;

/// <summary>Samples of values for a training, one after the other, off the GC heap. Used under the lock of its owner.</summary>
/// <remarks>The memory is taken with the first sample, and given back after the training.</remarks>
internal sealed unsafe class SampleReservoir(CacheMemory memory, int capacity)
{
    /// <summary>Bytes that a sample has at most: the beginning of a value.</summary>
    public const int MaxSample = 4 << 10;

    // The lengths have room for samples of this mean.
    private const int LeastMean = 64;

    private byte* _bytes;

    /// <summary>The number of samples.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of them.</summary>
    public int Bytes { get; private set; }

    /// <summary>True if it takes no further sample.</summary>
    public bool IsFull => capacity - Bytes < MaxSample || Count == MaxCount;

    /// <summary>The samples.</summary>
    public ReadOnlySpan<byte> Samples => new(_bytes, Bytes);

    /// <summary>Bytes of each.</summary>
    public ReadOnlySpan<int> Lengths => new(_bytes + capacity, Count);

    private int MaxCount => capacity / LeastMean;

    /// <summary>Bytes that it takes.</summary>
    public long BlockBytes => capacity + MaxCount * (long)sizeof(int);

    /// <summary>True if it has its memory.</summary>
    public bool IsThere => _bytes is not null;

    /// <summary>Takes its memory; false if the limit is reached.</summary>
    public bool TryReserve() => IsThere || (_bytes = memory.TryAllocate(BlockBytes)) is not null;

    /// <summary>Copies the beginning of a value; nothing if the reservoir is full, or the limit is reached.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        if (IsFull || !TryReserve())
            return;
        value = value[..Math.Min(value.Length, MaxSample)];
        value.CopyTo(new Span<byte>(_bytes + Bytes, capacity - Bytes));
        ((int*)(_bytes + capacity))[Count++] = value.Length;
        Bytes += value.Length;
    }

    /// <summary>Forgets the samples and gives the memory back.</summary>
    public void Clear()
    {
        if (_bytes is not null)
            memory.Free(_bytes, BlockBytes);
        _bytes = null;
        (Count, Bytes) = (0, 0);
    }
}
