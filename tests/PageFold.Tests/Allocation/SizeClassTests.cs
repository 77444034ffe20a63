using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Tests.Allocation;

/// <summary>The records of zspages, which say of each place whether it is free.</summary>
public class SizeClassTests
{
    [Fact]
    public void A_place_that_is_free_already_is_not_freed_once_more()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        ZsHeap heap = store.Index.Heap;
        Assert.True(heap.TryAllocate(100, ReserveUse.None, mayReclaim: false, out ObjectLocation freed));
        // Another object keeps the zspage.
        Assert.True(heap.TryAllocate(100, ReserveUse.None, mayReclaim: false, out ObjectLocation other));
        heap.Free(freed);
        Assert.Contains("the heap's own records are damaged", Assert.Throws<InvalidOperationException>(() => heap.Free(freed)).Message,
            StringComparison.Ordinal);
        heap.Free(other);
        Assert.Equal(0, store.GetStatistics().PoolBytes);
    }
}
