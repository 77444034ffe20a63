using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.Caching;

/// <summary>
/// Memory of the cache's heap: it is charged to the limit, and goes with the heap at the latest. Its users are inside the heap.
/// </summary>
internal sealed unsafe class HeapMemory(ObjectHeap heap) : CacheMemory
{
    public override byte* TryAllocate(long bytes) => heap.TryAllocateBuffer(checked((int)bytes), out Span<byte> buffer)
        ? (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer))
        : null;

    public override void Free(byte* block, long bytes) => heap.FreeBuffer(new Span<byte>(block, checked((int)bytes)));

    public override bool TryCharge(long bytes) => heap.TryCharge(bytes);

    public override void Release(long bytes) => heap.Release(bytes);
}
