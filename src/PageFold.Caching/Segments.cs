using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace PageFold.Caching;

/// <summary>An array that grows by doubling and never moves, so that threads read it without a lock while it grows.</summary>
/// <remarks>
/// The first segment has <see cref="First"/> elements, each further one as many as all before it; all begin as zeros. One thread at a time
/// may grow it. A field, never copied.
/// </remarks>
internal unsafe struct Segments<T>
    where T : unmanaged
{
    /// <summary>Elements of the first segment, a power of two.</summary>
    public const uint First = 64;

    private const int FirstLog = 6;

    // Addresses of the element that each segment would have for index 0; 0 for a segment that is not there.
    private Origins _origins;
    private int _count;

    /// <summary>Elements there are room for.</summary>
    public readonly long Capacity => _count == 0 ? 0 : (long)First << (_count - 1);

    /// <summary>Bytes taken.</summary>
    public readonly long Bytes => Capacity * sizeof(T);

    /// <summary>An element below <see cref="Capacity"/>.</summary>
    public readonly ref T this[uint index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            nint origin = _origins[SegmentOf(index)];
            Debug.Assert(origin != 0);
            return ref ((T*)origin)[index];
        }
    }

    /// <summary>The element's address; null if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T* Find(uint index)
    {
        nint origin = Volatile.Read(in _origins[SegmentOf(index)]);
        return origin == 0 ? null : (T*)origin + index;
    }

    /// <summary>Doubles the capacity.</summary>
    /// <returns>False if the memory is refused; nothing has changed.</returns>
    public bool TryGrow(CacheMemory memory)
    {
        uint begin = _count == 0 ? 0 : (uint)Capacity;
        byte* block = memory.TryAllocate(LengthOf(_count) * sizeof(T));
        if (block == null)
            return false;
        Volatile.Write(ref _origins[_count], (nint)((T*)block - begin));
        _count++;
        return true;
    }

    /// <summary>Gives all memory back.</summary>
    public void Free(CacheMemory memory)
    {
        while (_count > 0)
        {
            _count--;
            long begin = _count == 0 ? 0 : LengthOf(_count);
            memory.Free((byte*)((T*)_origins[_count] + begin), LengthOf(_count) * sizeof(T));
            _origins[_count] = 0;
        }
    }

    private static long LengthOf(int segment) => (long)First << Math.Max(segment - 1, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentOf(uint index) => BitOperations.Log2(index | (First - 1)) - (FirstLog - 1);

    [InlineArray(32 - FirstLog + 1)]
    private struct Origins
    {
        private nint _first;
    }
}
