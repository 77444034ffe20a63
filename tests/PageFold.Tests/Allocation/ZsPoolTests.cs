using PageFold.Frames;
using PageFold.Tests.Mapping;

namespace PageFold.Tests.Allocation;

public abstract class ZsPoolTests
{
    private readonly MappingKind _mapping;

    protected ZsPoolTests(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        _mapping = mapping;
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    [InlineData(65536)]
    public void Every_limit_that_is_accepted_holds_an_object(int frame)
    {
        ZsPool? Accepted(long limit)
        {
            try
            {
                return new ZsPool(new ZsPoolOptions { Mapping = frame == 4096 ? _mapping : MappingKind.Copy, MemoryLimit = limit,
                    FrameSize = frame });
            }
            catch (ArgumentOutOfRangeException e)
            {
                Assert.Contains("too small", e.Message, StringComparison.Ordinal);
                return null;
            }
        }
        long refused = 0;
        long accepted = 4 << 20;
        while (accepted - refused > 1)
        {
            long limit = (accepted + refused) / 2;
            using ZsPool? pool = Accepted(limit);
            if (pool is null)
                refused = limit;
            else
                accepted = limit;
        }
        using ZsPool smallest = Accepted(accepted)!;
        foreach (int size in (int[])[1, 100, frame])
            smallest.Free(smallest.Allocate(size));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4097)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void Refuses_a_size_out_of_range(int size)
    {
        using ZsPool pool = Make();
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => pool.Allocate(size));
        Assert.Equal("size", refused.ParamName);
        Assert.Contains(size < 1 ? "choose at least one byte" : "split it, or choose a larger FrameSize", refused.Message,
            StringComparison.Ordinal);
        Assert.Equal(0, pool.GetStatistics().Objects);
    }

    [Theory]
    [InlineData(0, 101)]
    [InlineData(100, 1)]
    [InlineData(-1, 1)]
    [InlineData(50, 51)]
    [InlineData(int.MaxValue, 2)]
    [InlineData(int.MinValue, 0)]
    public void Refuses_a_range_outside_the_object_and_leaves_it_unpinned(int offset, int length)
    {
        using ZsPool pool = Make();
        ZsHandle handle = pool.Allocate(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Read(handle, offset, new byte[length]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Write(handle, offset, new byte[length]));
        pool.Free(handle);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Allocates_with_content_wherever_the_object_lies(bool neighbours)
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 64 << 20, NoNeighbours = !neighbours });
        byte[] content = new byte[4096];
        Dictionary<ZsHandle, (int Size, ulong Key)> live = [];
        bool straddles = false;
        for (int size = 1; size <= content.Length; size += 13)
        {
            Pages.Fill(content.AsSpan(0, size), (ulong)size);
            ZsHandle handle = pool.Allocate(content.AsSpan(0, size));
            Assert.Equal(size, pool.SizeOf(handle));
            using (ZsReadView view = pool.ViewRead(handle))
                straddles |= view.Second.Length > 0;
            live.Add(handle, (size, (ulong)size));
        }
        Assert.True(straddles || neighbours);
        Assert.All(live, pair =>
        {
            pool.Read(pair.Key, 0, content.AsSpan(0, pair.Value.Size));
            Assert.True(Pages.Holds(content.AsSpan(0, pair.Value.Size), pair.Value.Key));
        });
    }

    [Fact]
    public void An_object_without_content_is_zeros_where_one_with_content_was()
    {
        using ZsPool pool = Make();
        byte[] content = new byte[3000];
        content.AsSpan().Fill(7);
        for (int i = 0; i < 100; i++)
        {
            pool.Free(pool.Allocate(content));
            ZsHandle handle = pool.Allocate(content.Length);
            using (ZsReadView view = pool.ViewRead(handle))
                Assert.False(view.First.ContainsAnyExcept((byte)0) || view.Second.ContainsAnyExcept((byte)0));
            pool.Free(handle);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    public void Refuses_content_of_a_length_out_of_range(int length)
    {
        using ZsPool pool = Make();
        byte[] content = new byte[length];
        Assert.Equal("content", Assert.Throws<ArgumentOutOfRangeException>(() => pool.Allocate(content)).ParamName);
        Assert.Equal("content", Assert.Throws<ArgumentOutOfRangeException>(() => pool.TryAllocate(content, out _)).ParamName);
        Assert.Equal(0, pool.GetStatistics().Objects);
    }

    [Fact]
    public void Content_that_finds_no_memory_is_refused_and_finds_it_again()
    {
        using ZsPool pool = Make(1 << 20);
        byte[] content = new byte[3000];
        List<ZsHandle> handles = [];
        while (pool.TryAllocate(content, out ZsHandle handle))
            handles.Add(handle);
        Assert.Contains("3000 more bytes", Assert.Throws<MemoryLimitException>(() => pool.Allocate(content)).Message,
            StringComparison.Ordinal);
        pool.Free(handles[0]);
        pool.Allocate(content);
    }

    [Fact]
    public void Accepts_empty_ranges_up_to_the_end()
    {
        using ZsPool pool = Make();
        ZsHandle handle = pool.Allocate(100);
        pool.Read(handle, 100, []);
        pool.Write(handle, 100, []);
        pool.Write(handle, 99, [7]);
    }

    [Fact]
    public void Reaching_the_limit_is_an_outcome_and_memory_frees_again()
    {
        using ZsPool pool = Make(1 << 20);
        List<ZsHandle> handles = [];
        while (pool.TryAllocate(3000, out ZsHandle handle))
            handles.Add(handle);
        Assert.InRange(handles.Count * 3000, 900_000, 1 << 20);
        MemoryLimitException error = Assert.Throws<MemoryLimitException>(() => pool.Allocate(3000));
        Assert.Contains("1,048,576 bytes", error.Message, StringComparison.Ordinal);
        foreach (ZsHandle handle in handles)
            pool.Free(handle);
        for (int i = 0; i < handles.Count; i++)
            pool.Allocate(3000);
    }

    [Fact]
    public void At_the_limit_an_allocation_compacts_other_classes_first()
    {
        using ZsPool pool = Make(2 << 20);
        List<ZsHandle> handles = [];
        while (pool.TryAllocate(1500, out ZsHandle handle))
            handles.Add(handle);
        // Every second object gone: few frames are empty, but a third and more could be.
        for (int i = 0; i < handles.Count; i += 2)
            pool.Free(handles[i]);
        int taken = 0;
        while (pool.TryAllocate(2900, out _))
            taken++;
        Assert.True(taken * 2900 > 700_000, $"only {taken} objects found room");
    }

    [Fact]
    public void Frees_the_frames_of_a_zspage_without_objects()
    {
        using ZsPool pool = Make();
        ZsHandle[] handles = [.. Enumerable.Range(0, 1000).Select(_ => pool.Allocate(2500))];
        foreach (ZsHandle handle in handles)
            pool.Free(handle);
        Assert.Equal(0, pool.GetStatistics().PoolBytes);
    }

    [Fact]
    public void Compaction_moves_objects_together_and_keeps_their_content()
    {
        using ZsPool pool = Make();
        byte[] buffer = new byte[4096];
        Dictionary<ZsHandle, (int Size, ulong Key)> live = Fill(pool, 4000, buffer);
        long before = pool.GetStatistics().PoolBytes;
        Random random = new(5);
        foreach (ZsHandle handle in live.Keys.Where(_ => random.Next(2) == 0).ToList())
        {
            pool.Free(handle);
            live.Remove(handle);
        }
        pool.Compact();
        ZsPoolStatistics after = pool.GetStatistics();
        Assert.True(after.BytesMoved > 0);
        Assert.True(after.PoolBytes < before * 6 / 10);
        Assert.True(after.Classes.Sum(c => c.ReclaimableFrames) <= after.Classes.Sum(c => c.Frames) / 100,
            "frames were left that could go");
        Assert.All(live, pair =>
        {
            pool.Read(pair.Key, 0, buffer.AsSpan(0, pair.Value.Size));
            Assert.True(Pages.Holds(buffer.AsSpan(0, pair.Value.Size), pair.Value.Key));
        });
    }

    [Fact]
    public async Task A_sparse_pool_is_compacted_by_itself()
    {
        using ZsPool pool = Make();
        byte[] buffer = new byte[4096];
        Random random = new(5);
        foreach (ZsHandle handle in Fill(pool, 4000, buffer).Keys.Where(_ => random.Next(2) == 0).ToList())
            pool.Free(handle);
        for (int i = 0; i < 200 && pool.GetStatistics().FramesCompacted == 0; i++)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.True(pool.GetStatistics().FramesCompacted > 0, "nothing was compacted in ten seconds");
    }

    [Fact]
    public void Compaction_can_be_cancelled()
    {
        using ZsPool pool = Make();
        Fill(pool, 100, new byte[4096]);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.Equal(0, pool.Compact(cancelled.Token).ObjectsMoved);
    }

    [Fact]
    public void A_limit_is_refused_by_name_or_has_room_for_an_object()
    {
        bool isAccepted = false;
        for (long limit = 4096; limit < 256 << 10; limit += 256)
        {
            ZsPool pool;
            try
            {
                pool = new ZsPool(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = limit });
            }
            catch (ArgumentException refused)
            {
                Assert.True(OptionMessage.Of(refused)!.Names("MemoryLimit"), refused.Message);
                Assert.False(isAccepted, "A smaller limit is accepted.");
                continue;
            }
            isAccepted = true;
            using (pool)
                pool.Free(pool.Allocate(4096));
        }
        Assert.True(isAccepted);
    }

    [Fact]
    public void A_mapping_for_which_there_is_no_memory_is_refused_and_leaves_the_object_as_it_is()
    {
        AllocationFaults faults = new();
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20, Faults = faults });
        ZsHandle handle = pool.Allocate(3000);
        faults.Refuse(1, count: 1000);
        MemoryLimitException refused = Assert.Throws<MemoryLimitException>(() => pool.Map(handle, MapMode.Write).Dispose());
        Assert.Equal("MemoryLimit", OptionMessage.Of(refused)?.Option);
        faults.Clear();
        using (ZsMap map = pool.Map(handle, MapMode.Write))
            Pages.Fill(map.Span, 3);
        byte[] read = new byte[3000];
        pool.Read(handle, 0, read);
        Assert.True(Pages.Holds(read, 3));
        pool.Free(handle);
    }

    [Fact]
    public void Every_allocation_point_can_fail_without_a_trace()
    {
        AllocationFaults faults = new();
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20, Faults = faults });
        Dictionary<ZsHandle, (int Size, ulong Key)> live = [];
        byte[] buffer = new byte[4096];
        Random random = new(11);
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            // The n-th allocation from here on fails, whatever it is for.
            // One alone is often made good by another way to memory; a dozen are not.
            faults.Refuse(1 + round % 7, 1 + round % 12);
            int size = random.Next(1, 4097);
            if (pool.TryAllocate(size, out ZsHandle handle))
            {
                ulong key = (ulong)round;
                try
                {
                    using ZsMap map = pool.Map(handle, MapMode.Write);
                    Pages.Fill(map.Span, key);
                    live.Add(handle, (size, key));
                }
                catch (MemoryLimitException)
                {
                    refused++;
                    pool.Free(handle);
                }
            }
            else
            {
                refused++;
            }
            faults.Clear();
            if (live.Count > 500)
            {
                ZsHandle victim = live.Keys.ElementAt(random.Next(live.Count));
                pool.Free(victim);
                live.Remove(victim);
            }
        }
        Assert.True(refused > 100);
        Assert.Equal(live.Count, pool.GetStatistics().Objects);
        Assert.All(live, pair =>
        {
            pool.Read(pair.Key, 0, buffer.AsSpan(0, pair.Value.Size));
            Assert.True(Pages.Holds(buffer.AsSpan(0, pair.Value.Size), pair.Value.Key));
        });
        foreach (ZsHandle handle in live.Keys)
            pool.Free(handle);
        Assert.Equal(0, pool.GetStatistics().PoolBytes);
    }

    [Fact]
    public void Forgotten_pools_give_their_numbers_and_their_memory_back()
    {
        // More than there are numbers; each holds a little of everything.
        long before = 0;
        for (int i = 0; i < 6000; i++)
        {
            Forget();
            if (i % 500 == 499)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            if (i == 2000)
                before = Environment.WorkingSet;
        }
        Assert.True(Environment.WorkingSet < before + (100 << 20), $"{before} bytes grew to {Environment.WorkingSet}");

        void Forget()
        {
            ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 1 << 20 });
            using ZsMap map = pool.Map(pool.Allocate(3000), MapMode.Write);
            map.Span.Fill(1);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    [InlineData(-3)]
    public void Refuses_a_chain_out_of_range(int chain) =>
        Assert.Contains($"MaxChain is {chain}",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ZsPool(new ZsPoolOptions { MaxChain = chain })).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Releases_everything_it_charged_when_disposed()
    {
        ZsPool pool = Make();
        Fill(pool, 300, new byte[4096]);
        MemoryBudget budget = pool.Budget;
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Allocate(1));
        Assert.Throws<ObjectDisposedException>(() => pool.GetStatistics());
        // Less than a directory of any table; entries of mappings stay for old copies of them to look at.
        Assert.InRange(budget.Used, 0, 3000);
    }

    private ZsPool Make(long limit = 64 << 20) => new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = limit });

    private static Dictionary<ZsHandle, (int Size, ulong Key)> Fill(ZsPool pool, int count, byte[] buffer)
    {
        Random random = new(3);
        Dictionary<ZsHandle, (int Size, ulong Key)> live = [];
        for (int i = 0; i < count; i++)
        {
            int size = 1000 + random.Next(10) * 200;
            ZsHandle handle = pool.Allocate(size);
            Pages.Fill(buffer.AsSpan(0, size), (ulong)i);
            pool.Write(handle, 0, buffer.AsSpan(0, size));
            live.Add(handle, (size, (ulong)i));
        }
        return live;
    }
}

/// <inheritdoc/>
public sealed class ZsPoolTestsByCopy() : ZsPoolTests(MappingKind.Copy);

/// <inheritdoc/>
public sealed class ZsPoolTestsThroughWindows() : ZsPoolTests(MappingKind.Window);
