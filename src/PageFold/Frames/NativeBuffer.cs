using System.Runtime.InteropServices;

namespace PageFold.Frames;

/// <summary>A zeroed block of native memory that is charged to a <see cref="MemoryBudget"/> for its lifetime.</summary>
/// <remarks>Roots of tables, and buffers that are not frames. The owner frees it exactly once and does not use it after that.</remarks>
internal readonly unsafe struct NativeBuffer
{
    private const nuint Alignment = 64;

    private NativeBuffer(byte* pointer, long length)
    {
        Pointer = pointer;
        Length = length;
    }

    public byte* Pointer { get; }

    public long Length { get; }

    public bool IsEmpty => Pointer is null;

    public Span<byte> Span => new(Pointer, checked((int)Length));

    /// <summary>
    /// Allocates <paramref name="length"/> zeroed bytes, aligned to a cache line; false when the budget or the system
    /// refuses.
    /// </summary>
    public static bool TryAllocate(MemoryBudget budget, long length, out NativeBuffer buffer)
    {
        buffer = default;
        return budget.Faults?.ShouldRefuse() != true && budget.TryCharge(length) && TryMake(budget, length, out buffer);
    }

    /// <summary>
    /// Allocates a part of a table: as <see cref="TryAllocate"/>, but with <see cref="MemoryBudget.TryChargeTakingIdle"/>.
    /// </summary>
    public static bool TryAllocateForTable(MemoryBudget budget, long length, out NativeBuffer buffer)
    {
        buffer = default;
        return budget.Faults?.ShouldRefuse() != true && budget.TryChargeTakingIdle(length) && TryMake(budget, length, out buffer);
    }

    /// <summary>
    /// Allocates bytes that the caller has charged, zeroed; false when the system refuses. They become resident as they are touched, and go
    /// back to the system at once when the caller frees them with <see cref="FreeUntouched"/>, whatever happens.
    /// </summary>
    public static bool TryAllocateUntouched(long length, out NativeBuffer buffer)
    {
        buffer = default;
        try
        {
            buffer = new NativeBuffer((byte*)UntouchedMemory.Allocate((nuint)length), length);
            return true;
        }
        catch (Exception e) when (e is InsufficientMemoryException or OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Allocates bytes that are charged already; false, and the charge is released, when the system refuses.</summary>
    private static bool TryMake(MemoryBudget budget, long length, out NativeBuffer buffer)
    {
        buffer = default;
        try
        {
            void* pointer = NativeMemory.AlignedAlloc((nuint)length, Alignment);
            NativeMemory.Clear(pointer, (nuint)length);
            budget.Adopt((byte*)pointer);
            buffer = new NativeBuffer((byte*)pointer, length);
            return true;
        }
        catch (OutOfMemoryException)
        {
            budget.Release(length);
            return false;
        }
    }

    public void Free(MemoryBudget budget)
    {
        if (!IsEmpty)
            Free(budget, Pointer, Length);
    }

    /// <summary>Frees what <see cref="TryAllocateUntouched"/> has allocated.</summary>
    public void FreeUntouched() => UntouchedMemory.Free(Pointer, (nuint)Length);

    /// <summary>Frees a block of which the owner keeps only the address.</summary>
    public static void Free(MemoryBudget budget, byte* pointer, long length) => budget.Free(pointer, length);
}
