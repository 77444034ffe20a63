namespace PageFold.Tests.Frames;

/// <summary>A store that takes its memory at the start and keeps it.</summary>
public class PrefaultTests
{
    private const long Limit = 32 << 20;

    [Fact]
    public void The_memory_is_there_from_the_start_and_stays_whatever_is_stored_and_discarded()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells what is resident.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, Prefault = true });
        long atFirst = store.Heap.Arena.MeasureResidentOf(Limit);
        Assert.InRange(atFirst, Limit / 16 * 14, Limit);
        byte[] page = new byte[4096];
        for (int round = 0; round < 3; round++)
        {
            int stored = 0;
            for (; ; stored++)
            {
                Pages.Fill(page, (ulong)(round << 20 | stored));
                if (store.Write(stored, page) == StoreOutcome.Full)
                    break;
            }
            // The limit is as good as without.
            Assert.InRange(stored, Limit / 4096 * 9 / 10, Limit / 4096);
            Assert.True(store.Heap.Arena.MeasureResidentOf(Limit) >= atFirst);
            for (int i = 0; i < stored; i++)
                Assert.True(store.TryRead(i, page) && Pages.Holds(page, (ulong)(round << 20 | i)));
            store.Discard(0, stored);
            store.Compact();
            Assert.Equal(atFirst, store.Heap.Arena.MeasureResidentOf(Limit));
            Assert.InRange(store.GetStatistics().TotalBytes, 0, Limit / 8);
            Assert.InRange(store.GetStatistics().PrefaultedBytes, atFirst - (64 << 10), atFirst);
        }
        Assert.True(store.GetStatistics().PeakBytes <= Limit);
    }

    [Fact]
    public void What_cannot_keep_memory_says_so()
    {
        PlatformNotSupportedException refused = Assert.Throws<PlatformNotSupportedException>(
            () => new PageStore(new PageStoreOptions { MemoryLimit = Limit, Prefault = true, Backing = FrameBackingKind.Portable }));
        Assert.Contains("Prefault needs Linux", refused.Message, StringComparison.Ordinal);
    }
}
