using PageFold.Frames;

namespace PageFold.Tests.Allocation;

/// <summary>A heap whose owner keeps the locations of the objects itself.</summary>
public class ObjectHeapTests
{
    private const int Numbers = 3000;
    private const long Limit = 4 << 20;

    [Fact]
    public void Objects_keep_their_bytes_and_tags_while_threads_allocate_free_and_compact()
    {
        TableOwner owner = new(Numbers);
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit }, owner);
        byte[][] stored = new byte[Numbers][];
        bool ended = false;
        Task compaction = Content.OnItsOwnThread(() =>
        {
            while (!Volatile.Read(ref ended))
                heap.Compact(TestContext.Current.CancellationToken);
        });
        Task[] writers = [.. Enumerable.Range(0, 3).Select(seed => Content.OnItsOwnThread(() => Write(heap, owner, stored, seed)))];
        Task.WaitAll(writers, TestContext.Current.CancellationToken);
        Volatile.Write(ref ended, true);
        compaction.Wait(TestContext.Current.CancellationToken);

        Assert.True(owner.Moves > 0, "Nothing was moved, so nothing was tested.");
        Assert.InRange(heap.GetStatistics().PeakBytes, 1, Limit);
        Assert.Equal(stored.Count(bytes => bytes is not null), heap.GetStatistics().Objects);
        for (int number = 0; number < Numbers; number++)
            Replace(heap, owner, stored, number, null);
        heap.Compact(TestContext.Current.CancellationToken);
        Assert.Equal(0, heap.GetStatistics().PoolBytes);
    }

    [Fact]
    public void An_object_that_its_owner_holds_does_not_move()
    {
        TableOwner owner = new(Numbers);
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit }, owner);
        byte[][] stored = new byte[Numbers][];
        for (int number = 0; number < Numbers; number++)
            Replace(heap, owner, stored, number, Content.Of(700, (ulong)number));
        for (int number = 0; number < Numbers; number++)
        {
            if (number % 7 != 0)
                Replace(heap, owner, stored, number, null);
        }
        ObjectLocation held = owner.Hold(Numbers / 7 * 7)!.Value;
        heap.Compact(TestContext.Current.CancellationToken);
        using HeapAccess access = heap.Enter();
        byte[] bytes = new byte[700];
        heap.View(held).Read(0, bytes);
        Assert.Equal(stored[Numbers / 7 * 7], bytes);
        Assert.True(owner.Moves > 0);
    }

    [Fact]
    public void A_limit_can_be_set_while_the_heap_is_used()
    {
        TableOwner owner = new(Numbers);
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = 1 << 20, MaxMemoryLimit = Limit }, owner);
        int before = Fill(heap);
        heap.MemoryLimit = Limit;
        Assert.True(Fill(heap) > 2 * before, "A higher limit holds no more.");
        Assert.InRange(heap.UsedBytes, 1, Limit);
        heap.MemoryLimit = 1 << 20;
        Assert.Equal(0, Fill(heap));
        Assert.True(heap.AvailableBytes < 0);
        Assert.Equal("MemoryLimit", Assert.Throws<ArgumentOutOfRangeException>(() => heap.MemoryLimit = Limit + 1).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.MemoryLimit = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new ObjectHeap(new ObjectHeapOptions { MemoryLimit = 2 * Limit, MaxMemoryLimit = Limit }, owner));
    }

    [Fact]
    public void Buffers_and_charges_count_against_the_limit()
    {
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit }, new TableOwner(1));
        using HeapAccess access = heap.Enter();
        long used = heap.UsedBytes;
        Assert.True(heap.TryAllocateBuffer(1 << 20, out Span<byte> buffer));
        Assert.Equal(1 << 20, buffer.Length);
        Assert.True(buffer.IndexOfAnyExcept((byte)0) < 0);
        Assert.True(heap.TryCharge(1 << 20));
        Assert.Equal(used + (2 << 20), heap.UsedBytes);
        Assert.False(heap.TryAllocateBuffer((int)Limit, out Span<byte> refused));
        Assert.True(refused.IsEmpty);
        Assert.False(heap.TryCharge(Limit));
        heap.FreeBuffer(buffer);
        heap.Release(1 << 20);
        Assert.Equal(used, heap.UsedBytes);
    }

    [Fact]
    public void A_disposed_heap_keeps_its_memory_until_the_last_operation_has_left()
    {
        TableOwner owner = new(Numbers);
        bool isFinished = false;
        ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit }, owner, () => isFinished = true);
        using (HeapAccess access = heap.Enter())
        {
            Assert.True(heap.TryAllocate(3000, mayCompact: true, out ObjectLocation location));
            heap.Dispose();
            HeapObject view = heap.View(location);
            view.Write(0, Content.Of(3000, 1));
            view.Tag = 5;
            byte[] bytes = new byte[3000];
            view.Read(0, bytes);
            Content.AssertSame(Content.Of(3000, 1), bytes, "after the disposal");
            Assert.Equal(5ul, view.Tag);
            Assert.False(isFinished);
        }
        Assert.True(isFinished);
        Assert.False(heap.TryEnter(out _));
        Assert.Throws<ObjectDisposedException>(() => heap.Enter().Dispose());
        Assert.Throws<ObjectDisposedException>(() => heap.Compact(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Ranges_outside_an_object_are_refused()
    {
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit }, new TableOwner(1));
        using HeapAccess access = heap.Enter();
        Assert.True(heap.TryAllocate(100, mayCompact: true, out ObjectLocation location));
        HeapObject view = heap.View(location);
        Assert.Equal(heap.Footprint(100), view.Capacity);
        Throws(view, 0, view.Capacity + 1);
        Throws(view, -1, 1);
        Throws(view, view.Capacity, 1);
        Throws(view, int.MaxValue, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.Footprint(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.Footprint(heap.MaxObjectSize + 1));

        static void Throws(HeapObject view, int offset, int length)
        {
            bool thrown = false;
            try
            {
                view.Read(offset, new byte[length]);
            }
            catch (ArgumentOutOfRangeException)
            {
                thrown = true;
            }
            Assert.True(thrown, $"{length} bytes at {offset} were read.");
        }
    }

    [Fact]
    public void An_allocation_that_is_refused_changes_nothing()
    {
        TableOwner owner = new(Numbers);
        AllocationFaults faults = new();
        using ObjectHeap heap = new(new ObjectHeapOptions { MemoryLimit = Limit, Faults = faults }, owner);
        byte[][] stored = new byte[Numbers][];
        Random random = new(1);
        for (int round = 0; round < 2000; round++)
        {
            int number = random.Next(Numbers);
            if (random.Next(4) == 0)
                faults.Refuse(random.Next(1, 4));
            Replace(heap, owner, stored, number, Content.Of(random.Next(1, 4097), (ulong)round));
        }
        faults.Clear();
        Assert.Equal(stored.Count(bytes => bytes is not null), heap.GetStatistics().Objects);
    }

    private static void Write(ObjectHeap heap, TableOwner owner, byte[][] stored, int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 40_000; round++)
        {
            int number = random.Next(Numbers);
            // Sizes that favour a few classes for a while, so that zspages become sparse.
            int size = random.Next(1, 200 + round / 2000 % 4 * 900);
            Replace(heap, owner, stored, number, random.Next(3) == 0 ? null : Content.Of(size, (ulong)round));
        }
    }

    /// <summary>Checks what a number has, and gives it other bytes or none; none too if there is no memory.</summary>
    private static void Replace(ObjectHeap heap, TableOwner owner, byte[][] stored, int number, byte[]? bytes)
    {
        using HeapAccess access = heap.Enter();
        ObjectLocation made = default;
        bool isMade = bytes is not null && heap.TryAllocate(bytes.Length, mayCompact: true, out made);
        if (isMade)
        {
            HeapObject view = heap.View(made);
            view.Write(0, bytes);
            view.Tag = (ulong)number;
        }
        ObjectLocation? before = owner.Hold(number);
        if (before is { } location)
        {
            HeapObject view = heap.View(location);
            byte[] read = new byte[stored[number].Length];
            view.Read(0, read);
            Content.AssertSame(stored[number], read, $"object {number}");
            Assert.Equal((ulong)number, view.Tag);
            heap.Free(location);
        }
        stored[number] = isMade ? bytes! : null!;
        owner.Release(number, isMade ? made : null);
    }

    private static int Fill(ObjectHeap heap)
    {
        using HeapAccess access = heap.Enter();
        int count = 0;
        while (heap.TryAllocate(1000, mayCompact: false, out _))
            count++;
        return count;
    }
}
