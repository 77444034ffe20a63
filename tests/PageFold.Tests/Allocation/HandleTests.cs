using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Tests.Mapping;

namespace PageFold.Tests.Allocation;

/// <summary>A handle leads to its own object or to none, and the tables behind handles are whole whatever is refused.</summary>
public abstract class HandleTests
{
    private readonly MappingKind _mapping;

    protected HandleTests(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        _mapping = mapping;
    }

    [Fact]
    public void Refuses_a_stale_handle_everywhere_and_changes_nothing()
    {
        using ZsPool pool = Make();
        ZsHandle stale = pool.Allocate(100);
        pool.Free(stale);
        ZsHandle live = pool.Allocate(100);
        pool.Write(live, 0, "content"u8);
        Assert.Throws<InvalidHandleException>(() => pool.Free(stale));
        Assert.Throws<InvalidHandleException>(() => pool.SizeOf(stale));
        Assert.Throws<InvalidHandleException>(() => pool.Read(stale, 0, new byte[1]));
        Assert.Throws<InvalidHandleException>(() => pool.Write(stale, 0, [1]));
        Assert.Throws<InvalidHandleException>(() => { pool.Map(stale, MapMode.Write); });
        Assert.Throws<InvalidHandleException>(() => { pool.ViewRead(stale); });
        byte[] read = new byte[7];
        pool.Read(live, 0, read);
        Assert.Equal("content"u8.ToArray(), read);
        Assert.Equal(1, pool.GetStatistics().Objects);
    }

    [Fact]
    public unsafe void A_handle_is_stale_even_where_the_slot_s_new_object_has_as_many_readers_as_can_be_counted()
    {
        using ZsPool pool = Make();
        ZsHandle stale = pool.Allocate(100);
        pool.Free(stale);
        ZsHandle live = pool.Allocate(100);
        Assert.Equal(stale.Slot, live.Slot);
        Assert.True(pool.Handles.TryFind(live, out ulong* slot, out _));
        for (int i = 0; i < SlotWord.MaxReaders; i++)
            Assert.Equal(SharedOutcome.Acquired, SlotWord.TryAcquireShared(ref *slot, out _));
        Assert.Throws<InvalidHandleException>(() => pool.Free(stale));
        Assert.Throws<InvalidHandleException>(() => pool.SizeOf(stale));
        Assert.Throws<InvalidHandleException>(() => { pool.ViewRead(stale); });
        Assert.Throws<ObjectMappedException>(() => pool.Free(live));
        for (int i = 0; i < SlotWord.MaxReaders; i++)
            SlotWord.ReleaseShared(ref *slot);
        pool.Free(live);
    }

    [Fact]
    public void A_refused_allocation_keeps_no_slot()
    {
        AllocationFaults faults = new();
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20, Faults = faults });
        ZsHandle first = pool.Allocate(100);
        for (int i = 0; i < 100; i++)
        {
            faults.Refuse(1, 1000);
            Assert.False(pool.TryAllocate(2000 + 16 * i, out _));
            faults.Clear();
        }
        Assert.Equal(first.Slot + 1, pool.Allocate(100).Slot);
    }

    [Fact]
    public void Tables_that_cannot_grow_refuse_and_are_whole_afterwards()
    {
        // Just before a leaf of slots is full, of generations, of both.
        foreach (int live in (int[])[0, 511, 512, 1023, 1024, 2048])
        {
            for (int from = 1; from <= 8; from++)
            {
                for (int count = 1; count <= 8; count++)
                    RefuseAt(live, from, count);
            }
        }

        void RefuseAt(int live, int from, int count)
        {
            AllocationFaults faults = new();
            using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20, Faults = faults });
            List<ZsHandle> handles = [];
            for (int i = 0; i < live; i++)
                handles.Add(pool.Allocate(16));
            faults.Refuse(from, count);
            for (int i = 0; i < 3; i++)
            {
                if (pool.TryAllocate(16, out ZsHandle handle))
                    handles.Add(handle);
            }
            faults.Clear();
            for (int i = 0; i < 3; i++)
                handles.Add(pool.Allocate(16));
            Assert.Equal(handles.Count, handles.Distinct().Count());
            foreach (ZsHandle handle in handles)
                pool.Free(handle);
            Assert.Throws<InvalidHandleException>(() => pool.Free(handles[0]));
        }
    }

    [Fact]
    public void Refuses_a_handle_of_another_pool_and_the_default_handle()
    {
        using ZsPool pool = Make();
        using ZsPool other = Make();
        ZsHandle foreign = other.Allocate(10);
        pool.Allocate(10);
        Assert.Contains("does not belong", Assert.Throws<InvalidHandleException>(() => pool.Free(foreign)).Message,
            StringComparison.Ordinal);
        Assert.Contains("handle is null", Assert.Throws<InvalidHandleException>(() => pool.Free(default)).Message,
            StringComparison.Ordinal);
        Assert.Equal(10, other.SizeOf(foreign));
    }

    private protected ZsPool Make() => new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 64 << 20 });
}

/// <inheritdoc/>
public sealed class HandleTestsByCopy() : HandleTests(MappingKind.Copy)
{
    // No object is mapped, so this is the same through windows.
    [Fact]
    public void A_slot_is_retired_before_its_generation_wraps()
    {
        using ZsPool pool = Make();
        // Keeps the frame in the pool, which would otherwise come and go millions of times.
        _ = pool.Allocate(16);
        ZsHandle first = pool.Allocate(16);
        ZsHandle last = first;
        uint others = 0;
        // Freed as often as there are generations, the one slot is never used again: no stale handle can meet a live object.
        for (uint i = 0; i <= ZsHandle.MaxGeneration; i++)
        {
            others |= last.Slot ^ 1;
            pool.Free(last);
            last = pool.Allocate(16);
        }
        Assert.Equal(0u, others);
        Assert.Equal(2u, last.Slot);
        Assert.Throws<InvalidHandleException>(() => pool.Free(first));
        Assert.Equal(16, pool.SizeOf(last));
    }
}

/// <inheritdoc/>
public sealed class HandleTestsThroughWindows() : HandleTests(MappingKind.Window);
