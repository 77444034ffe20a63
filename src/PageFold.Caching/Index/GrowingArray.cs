using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Caching.Index;

/// <summary>An array that grows by segments, each twice as long as the one before, so that growth copies nothing.</summary>
/// <remarks>Finding an item is lock-free. One thread at a time grows or shrinks the array.</remarks>
internal sealed unsafe class GrowingArray<T>(IndexMemory memory)
    where T : unmanaged
{
    private const int FirstShift = 5;
    private const uint First = 1u << FirstShift;
    private const int MaxSegments = 20;

    // Each points First << segment items before its memory, so that an item is found by its number plus First.
    private Segments _segments;

    /// <summary>Finds an item whose segment exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* At(uint number)
    {
        uint place = number + First;
        return (T*)_segments[BitOperations.Log2(place) - FirstShift] + place;
    }

    /// <summary>Makes the segment of an item if it is missing; false when there is no memory.</summary>
    public bool TryEnsure(uint number)
    {
        int segment = SegmentOf(number);
        if (segment >= MaxSegments)
            return false;
        if (_segments[segment] != 0)
            return true;
        long items = Length(segment);
        byte* block = memory.TryAllocate(items * sizeof(T));
        if (block is null)
            return false;
        Volatile.Write(ref _segments[segment], (nint)((T*)block - items));
        return true;
    }

    /// <summary>Gives back the segments of which no item is below a number; no other thread uses those items.</summary>
    public void FreeFrom(uint number)
    {
        for (int segment = number == 0 ? 0 : SegmentOf(number - 1) + 1; segment < MaxSegments; segment++)
        {
            if (_segments[segment] == 0)
                return;
            long items = Length(segment);
            memory.Free((T*)_segments[segment] + items, items * sizeof(T));
            _segments[segment] = 0;
        }
    }

    private static int SegmentOf(uint number) => BitOperations.Log2(number + First) - FirstShift;

    private static long Length(int segment) => (long)First << segment;

    [InlineArray(MaxSegments)]
    private struct Segments
    {
        private nint _first;
    }
}
