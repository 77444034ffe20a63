using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>A store that takes its memory at the start and keeps it.</summary>
public class PrefaultTests
{
    private const long Limit = 32 << 20;

    [Fact]
    public void The_memory_is_there_from_the_start_and_stays_whatever_is_stored_and_discarded()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells what is resident.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit });
        store.Prefault();
        long atFirst = store.Index.Heap.Arena.MeasureResidentOf(Limit);
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
            Assert.True(store.Index.Heap.Arena.MeasureResidentOf(Limit) >= atFirst);
            for (int i = 0; i < stored; i++)
                Assert.True(store.TryRead(i, page) && Pages.Holds(page, (ulong)(round << 20 | i)));
            store.Discard(0, stored);
            store.Compact();
            Assert.Equal(atFirst, store.Index.Heap.Arena.MeasureResidentOf(Limit));
            Assert.InRange(store.GetStatistics().TotalBytes, 0, Limit / 8);
            Assert.InRange(store.GetStatistics().PrefaultedBytes, atFirst - (64 << 10), atFirst);
        }
        Assert.True(store.GetStatistics().PeakBytes <= Limit);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void What_a_full_store_has_in_use_stays_too(int discarded)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit });
        byte[] page = new byte[4096];
        int stored = 0;
        do
            Pages.Fill(page, (ulong)stored);
        while (store.Write(stored++, page) != StoreOutcome.Full);
        // From the lowest frames and up.
        store.Discard(0, discarded);
        store.Compact();
        store.Prefault();
        Assert.InRange(store.GetStatistics().PrefaultedBytes, Limit / 16 * 14, Limit);
        store.Discard(0, stored);
        store.Compact();
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentOf(Limit), Limit / 16 * 14, Limit);
        Assert.True(store.Index.Budget.Used + store.Index.Budget.Idle <= Limit);
        // As many find room as before.
        for (int i = 0; i < stored - 1; i++)
        {
            Pages.Fill(page, (ulong)i);
            Assert.NotEqual(StoreOutcome.Full, store.Write(i, page));
        }
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentBytes(), 1, store.Index.Budget.Used + store.Index.Budget.Idle);
        for (int i = 0; i < stored - 1; i++)
            Assert.True(store.TryRead(i, page) && Pages.Holds(page, (ulong)i));
    }

    [Fact]
    public void Tables_that_outgrow_what_is_left_for_them_are_refused_and_the_limit_holds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit });
        store.Prefault();
        ulong[] page = new ulong[512];
        // Each word is another, and takes room beside the frames.
        for (int i = 0; i < 1 << 21; i++)
        {
            Array.Fill(page, 0x9E3779B97F4A7C15 * (ulong)(i + 1));
            if (store.Write(i, MemoryMarshal.AsBytes<ulong>(page)) == StoreOutcome.Full)
                break;
        }
        long beside = store.Index.Budget.Used - store.Index.Heap.Arena.CommittedBytes;
        Assert.InRange(store.GetStatistics().PrefaultedBytes + beside, Limit * 9 / 10, Limit);
        Assert.True(store.Index.Budget.Used + store.Index.Budget.Idle <= Limit);
        store.Discard(0, 1L << 21);
        byte[] noise = new byte[4096];
        Pages.Fill(noise, 1);
        Assert.Equal(StoreOutcome.Incompressible, store.Write(0, noise));
    }

    [Fact]
    public void A_request_to_end_leaves_everything_as_it_was()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit });
        byte[] page = new byte[4096];
        Pages.Fill(page, 7);
        Assert.Equal(StoreOutcome.Incompressible, store.Write(7, page));
        long before = store.Index.Budget.Used;
        Assert.Throws<OperationCanceledException>(() => store.Prefault(new CancellationToken(canceled: true)));
        Assert.Equal((before, 0), (store.Index.Budget.Used, store.Index.Budget.Idle));
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentOf(Limit), 1, Limit / 8);
        store.Prefault();
        store.Prefault();
        Assert.True(store.Index.Heap.Arena.MeasureResidentOf(Limit) >= Limit / 16 * 14);
        Assert.True(store.TryRead(7, page) && Pages.Holds(page, 7));
        Assert.Equal(before, store.Index.Budget.Used);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_snapshot_that_waits_for_the_memory_keeps_no_other_thread_waiting(bool isCancelled)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using CancellationTokenSource source = new();
        string file = Path.GetTempFileName();
        Task? saving = null;
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 * Limit, Faults = faults });
        byte[] page = new byte[4096];
        Pages.Fill(page, 7);
        Assert.Equal(StoreOutcome.Incompressible, store.Write(7, page));
        bool kept = false;
        faults.Prefaulting = () =>
        {
            if (saving is not null)
                return;
            long before = store.Index.Budget.Used;
            saving = Pages.OnItsOwnThread(() => store.SaveSnapshot(file, options: null, progress: null, source.Token));
            // It has its buffers, and waits for its point in time.
            Assert.True(SpinWait.SpinUntil(() => store.Index.Budget.Used >= before + (1 << 20), TimeSpan.FromMinutes(1)));
            kept = SpinWait.SpinUntil(() => store.Index.Gate.IsForOne, TimeSpan.FromMilliseconds(50));
            Assert.False(saving.IsCompleted);
            if (isCancelled)
            {
                source.Cancel();
                Assert.Throws<AggregateException>(() => saving.Wait(TimeSpan.FromMinutes(1)));
            }
        };
        store.Prefault();
        Assert.False(kept);
        if (isCancelled)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => saving!);
        else
            await saving!;
        File.Delete(file);
    }

    [Fact]
    public void Every_frame_that_is_held_can_be_used_although_nothing_else_is_left()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        // More frames than a page of the arena's sets has bits.
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 160 << 20 });
        Assert.True(arena.TryAllocateForTable(ReserveUse.None, out _));
        arena.Prefault(CancellationToken.None);
        long beside = arena.Budget.Available;
        Assert.True(arena.Budget.TryCharge(beside));
        while (arena.TryAllocate(out _))
        {
        }
        Assert.Equal(0, arena.Budget.Idle);
        arena.Budget.Release(beside);
    }

    [Theory]
    [InlineData(FrameBackingKind.Anonymous)]
    [InlineData(FrameBackingKind.SharedMemory)]
    public void What_goes_back_above_what_is_held_is_gone(FrameBackingKind backing)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, Backing = backing });
        store.Prefault();
        byte[] page = new byte[4096];
        int stored = 0;
        do
            Pages.Fill(page, (ulong)stored);
        while (store.Write(stored++, page) != StoreOutcome.Full);
        store.Discard(0, stored);
        store.Compact();
        FrameArena arena = store.Index.Heap.Arena;
        Assert.InRange(arena.MeasureResidentBytes(), arena.PrefaultedBytes, arena.CommittedBytes + store.Index.Budget.Idle);
    }

    [Theory]
    [InlineData(FrameBackingKind.Anonymous, false)]
    [InlineData(FrameBackingKind.Anonymous, true)]
    [InlineData(FrameBackingKind.SharedMemory, false)]
    [InlineData(FrameBackingKind.SharedMemory, true)]
    public void A_system_with_too_little_memory_leaves_nothing_held_locked_or_not(FrameBackingKind backing, bool isLocked)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, Backing = backing, Faults = faults });
        Assert.SkipUnless(!isLocked || KernelPages.TryLock(store.Index.Heap.Arena), "This process may not lock so much memory.");
        long before = store.Index.Budget.Used;
        // All is there but the last frames.
        faults.Refuse(2);
        Assert.Contains("There is no memory", Assert.Throws<InsufficientMemoryException>(() => store.Prefault()).Message,
            StringComparison.Ordinal);
        Assert.Equal((before, 0), (store.Index.Budget.Used, store.Index.Budget.Idle));
        Assert.InRange(store.Index.Heap.Arena.MeasureResidentOf(Limit), 1, Limit / 8);
        faults.Clear();
        store.Prefault();
        Assert.True(store.Index.Heap.Arena.MeasureResidentOf(Limit) >= Limit / 16 * 14);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Readers_and_writers_go_on_while_memory_is_taken(bool isCancelled)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is kept on Linux only.");
        const int Count = 3000;
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, HugePages = true, Faults = faults });
        using CancellationTokenSource source = new();
        byte[] page = new byte[4096];
        for (int i = 0; i < Count; i++)
            Write(i, 1);
        int version = 1;
        faults.Prefaulting = () =>
        {
            // Frames go back and come again, and blocks are merged, while none of the new memory is there, and then more and more.
            version++;
            Assert.True(Pages.OnItsOwnThread(() =>
            {
                store.Discard(0, Count);
                store.Compact();
                for (int i = 0; i < Count; i++)
                    Write(i, version);
                store.Index.Heap.Arena.CollapseBlocksNow();
                for (int i = 0; i < Count; i++)
                    Assert.True(store.TryRead(i, page) && Pages.Holds(page, Key(i, version)), $"page {i}");
            }).Wait(TimeSpan.FromMinutes(1)), "a writer waits until all memory is there");
            if (isCancelled && version > 2)
                source.Cancel();
        };
        if (isCancelled)
            Assert.Throws<OperationCanceledException>(() => store.Prefault(source.Token));
        else
            store.Prefault(source.Token);
        FrameArena arena = store.Index.Heap.Arena;
        Assert.True(version > 2);
        Assert.InRange(store.Index.Budget.Used + store.Index.Budget.Idle, 1, Limit);
        Assert.InRange(arena.MeasureResidentOf(Limit), arena.PrefaultedBytes, arena.CommittedBytes + store.Index.Budget.Idle);
        Assert.Equal(isCancelled, arena.PrefaultedBytes == 0);
        Assert.Equal(isCancelled, store.Index.Budget.Idle == 0);
        store.Discard(0, Count);
        store.Compact();
        Assert.InRange(arena.MeasureResidentOf(Limit), arena.PrefaultedBytes, arena.CommittedBytes + store.Index.Budget.Idle);
        if (!isCancelled)
            Assert.True(arena.MeasureResidentOf(Limit) >= Limit / 16 * 14);

        void Write(int number, int version)
        {
            Pages.Fill(page, Key(number, version));
            Assert.NotEqual(StoreOutcome.Full, store.Write(number, page));
        }

        static ulong Key(int number, int version) => (ulong)version << 20 | (uint)number;
    }

    [Fact]
    public void What_cannot_keep_memory_says_so()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit, Backing = FrameBackingKind.Portable });
        PlatformNotSupportedException refused = Assert.Throws<PlatformNotSupportedException>(() => store.Prefault());
        Assert.Contains("Prefault needs Linux", refused.Message, StringComparison.Ordinal);
    }
}
