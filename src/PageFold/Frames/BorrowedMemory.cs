namespace PageFold.Frames;

/// <summary>Memory that a task takes from a budget for a while, beside what the budget's owner stores.</summary>
/// <remarks>
/// Everything is charged before it exists. What the task frees stays charged for what it allocates next, so that a task which has reserved
/// all that it needs finds it; <see cref="Dispose"/> gives everything back at once. Used by one thread; others may read <see
/// cref="Bytes"/>.
/// </remarks>
/// <param name="budget">What it is charged to.</param>
/// <param name="refusal">Makes the exception for a task that needs more than there is.</param>
/// <param name="cancellation">Once it is cancelled, the task gets no more.</param>
internal sealed unsafe class BorrowedMemory(MemoryBudget budget, Func<Exception> refusal, CancellationToken cancellation = default)
    : IDisposable
{
    private readonly List<NativeBuffer> _buffers = [];
    private long _charged;

    /// <summary>Bytes that are charged.</summary>
    public long Bytes => Volatile.Read(ref _charged);

    /// <summary>Bytes of those that are in use.</summary>
    public long Used { get; private set; }

    /// <summary>Memory without a limit, for a task outside of a store.</summary>
    public static BorrowedMemory Unlimited() =>
        new(new MemoryBudget(long.MaxValue), static () => new InsufficientMemoryException("The system has no memory for the task."));

    /// <summary>Charges bytes that the task will use; takes idle bytes if there are no others.</summary>
    public void Reserve(long bytes)
    {
        cancellation.ThrowIfCancellationRequested();
        if (budget.Faults?.ShouldRefuse() == true || !budget.TryChargeTakingIdle(bytes))
            throw refusal();
        Volatile.Write(ref _charged, _charged + bytes);
    }

    /// <summary>Uses bytes that the task, or what it calls, is about to allocate.</summary>
    public void Use(long bytes)
    {
        long lacking = Used + bytes - _charged;
        if (lacking > 0)
            Reserve(lacking);
        Used += bytes;
    }

    /// <summary>Ends the use of bytes that were freed.</summary>
    public void EndUse(long bytes) => Used -= bytes;

    /// <summary>Allocates zeroed memory, which becomes resident as it is touched.</summary>
    public NativeBuffer Allocate(long bytes)
    {
        Use(bytes);
        if (budget.Faults?.ShouldRefuse() == true || !NativeBuffer.TryAllocateUntouched(bytes, out NativeBuffer buffer))
        {
            EndUse(bytes);
            throw refusal();
        }
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>Frees memory before the end.</summary>
    public void Free(NativeBuffer buffer)
    {
        int place = _buffers.FindIndex(held => held.Pointer == buffer.Pointer);
        if (place < 0)
            return;
        _buffers.RemoveAt(place);
        buffer.FreeUntouched();
        Used -= buffer.Length;
    }

    public void Dispose()
    {
        foreach (NativeBuffer buffer in _buffers)
            buffer.FreeUntouched();
        _buffers.Clear();
        budget.Release(_charged);
        Volatile.Write(ref _charged, 0);
        Used = 0;
    }
}
