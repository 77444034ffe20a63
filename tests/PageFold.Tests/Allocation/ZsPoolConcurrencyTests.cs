using System.Collections.Concurrent;
using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Tests.Mapping;

namespace PageFold.Tests.Allocation;

/// <summary>Threads that verify content while others allocate, free and compact.</summary>
public abstract class ZsPoolConcurrencyTests
{
    private readonly MappingKind _mapping;

    protected ZsPoolConcurrencyTests(MappingKind mapping)
    {
        WindowTests.SkipUnlessPossible(mapping);
        _mapping = mapping;
    }

    private const int Size = 64;

    private sealed record Named(ZsHandle Handle, ulong Key);

    [Theory]
    [InlineData(false, 64)]
    [InlineData(true, 64)]
    [InlineData(true, 1)]
    public void Threads_find_their_own_bytes_while_a_compactor_moves_everything(bool noNeighbours, int chain)
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 12 << 20, NoNeighbours = noNeighbours,
            MaxChain = chain });
        // A window is mapped by the kernel, which all threads wait for.
        int steps = Rounds.Of(_mapping == MappingKind.Window ? 10_000 : 30_000);
        using CancellationTokenSource done = new();
        long moved = 0;
        long verified = 0;
        Task compactor = Pages.OnItsOwnThread(() =>
        {
            while (!done.IsCancellationRequested)
                moved += pool.Compact().ObjectsMoved;
        });
        Crew.OnThreads(6, thread =>
        {
            Random random = new(thread);
            List<(ZsHandle Handle, ulong Key)> mine = [];
            for (int i = 0; i < steps; i++)
            {
                int size = 64 + random.Next(8) * 450;
                if (mine.Count < 700 && random.Next(100) < 55 && pool.TryAllocate(size, out ZsHandle handle))
                {
                    ulong key = (ulong)(thread * 1_000_000 + i);
                    using (ZsMap map = pool.Map(handle, MapMode.Write))
                        Pages.Fill(map.Span, key);
                    mine.Add((handle, key));
                }
                else if (mine.Count > 0)
                {
                    int chosen = random.Next(mine.Count);
                    using (ZsReadMap map = pool.MapRead(mine[chosen].Handle))
                        Assert.True(Pages.Holds(map.Span, mine[chosen].Key), "wrong bytes");
                    Interlocked.Increment(ref verified);
                    if (random.Next(2) == 0)
                    {
                        pool.Free(mine[chosen].Handle);
                        mine.RemoveAt(chosen);
                    }
                }
            }
            foreach ((ZsHandle handle, ulong key) in mine)
            {
                using (ZsReadMap map = pool.MapRead(handle))
                    Assert.True(Pages.Holds(map.Span, key), "wrong bytes at the end");
                pool.Free(handle);
            }
        });
        done.Cancel();
        compactor.Wait(TestContext.Current.CancellationToken);
        Assert.InRange(verified, 6 * steps / 3, long.MaxValue);
        Assert.True(moved > 0, "Compaction moved nothing while the threads worked.");
        Assert.Equal(0, pool.GetStatistics().Objects);
        Assert.Equal(0, pool.GetStatistics().PoolBytes);
    }

    [Fact]
    public void Of_threads_that_free_the_same_handle_exactly_one_succeeds()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 4 << 20 });
        const int Threads = 3;
        const int Rounds = 2000;
        ZsHandle handle = default;
        int freed = 0;
        // All threads try in each round, and the last to arrive makes the next object.
        using Barrier together = new(Threads, barrier =>
        {
            Assert.Equal(barrier.CurrentPhaseNumber, freed);
            handle = pool.Allocate(100);
        });
        int[] successes = new int[Threads];
        Crew.OnThreads(Threads, thread =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                together.SignalAndWait();
                try
                {
                    pool.Free(handle);
                    successes[thread]++;
                    Interlocked.Increment(ref freed);
                }
                catch (InvalidHandleException)
                {
                    // Another was first.
                }
            }
        });
        Assert.Equal(Rounds, freed);
        Assert.True(successes.Count(count => count > 0) > 1, "One thread freed every object, so nothing was contended.");
        Assert.Equal(0, pool.GetStatistics().Objects);
    }

    [Fact]
    public void A_stale_handle_on_another_thread_does_not_keep_the_new_object_from_being_freed()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 4 << 20 });
        ZsHandle stale = pool.Allocate(100);
        pool.Free(stale);
        new Crew(500)
            .Add("refusals of the stale handle", 1, 100, _ => () =>
            {
                Assert.Throws<InvalidHandleException>(() => pool.SizeOf(stale));
                return true;
            })
            .Add("objects freed", 1, 50_000, _ => () =>
            {
                pool.Free(pool.Allocate(100));
                return true;
            })
            .Run();
    }

    [Fact]
    public unsafe void A_handle_that_goes_stale_while_its_slot_is_waited_for_is_refused()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 4 << 20 });
        ZsHandle handle = pool.Allocate(100);
        Assert.True(pool.Handles.TryFind(handle, out ulong* slot, out uint* generation));
        ulong word = SlotWord.AcquireExclusive(ref *slot);
        bool refused = false;
        Thread reader = new(() =>
        {
            try
            {
                pool.SizeOf(handle);
            }
            catch (InvalidHandleException)
            {
                refused = true;
            }
        });
        reader.Start();
        // A thread that waits for a slot spins and in the end sleeps; nothing else on the way does.
        Crew.AwaitSleep(reader);
        // As if it had been freed, and the slot given to another object, between the reader's looking up of the slot and its pinning.
        ++*generation;
        SlotWord.ReleaseExclusive(ref *slot, word);
        reader.Join();
        Assert.True(refused);
    }

    [Fact]
    public void A_handle_that_others_free_meanwhile_leads_to_its_own_bytes_or_to_none()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 4 << 20 });
        // One cell, one size: the slot of the object just freed is that of the next.
        Named cell = New(0);
        int read = 0;
        int freed = 0;
        int refused = 0;
        Crew.OnThreads(4, thread =>
        {
            byte[] content = new byte[Size];
            for (int i = 1; i < 100_000; i++)
            {
                Named seen = Volatile.Read(ref cell);
                try
                {
                    if ((i + thread) % 4 == 0)
                    {
                        pool.Free(seen.Handle);
                        Volatile.Write(ref cell, New((ulong)(thread * 1_000_000 + i)));
                        Interlocked.Increment(ref freed);
                        continue;
                    }
                    pool.Read(seen.Handle, 0, content);
                    Assert.True(Pages.Holds(content, seen.Key), "another object's bytes");
                    Interlocked.Increment(ref read);
                }
                catch (Exception e) when (e is InvalidHandleException or ObjectMappedException)
                {
                    // Another was first, or is reading.
                    Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.True(read > 1000 && freed > 1000 && refused > 0, $"{read} reads, {freed} frees, {refused} conflicts");
        pool.Free(cell.Handle);
        Assert.Equal(0, pool.GetStatistics().Objects);

        Named New(ulong key)
        {
            byte[] content = new byte[Size];
            Pages.Fill(content, key);
            return new Named(pool.Allocate(content), key);
        }
    }

    [Fact]
    public void Handles_are_distinct_across_threads()
    {
        using ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 32 << 20 });
        ConcurrentDictionary<ZsHandle, int> seen = new();
        Crew.OnThreads(4, thread =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                ZsHandle handle = pool.Allocate(50);
                Assert.True(seen.TryAdd(handle, thread));
                if (i % 2 == 0)
                    pool.Free(handle);
            }
        });
        Assert.Equal(4 * 20_000, seen.Count);
        Assert.Equal(4 * 10_000, pool.GetStatistics().Objects);
    }

    [Fact]
    public void Disposing_under_load_ends_every_thread_cleanly_and_frees_everything()
    {
        for (int round = 0; round < 30; round++)
        {
            ZsPool pool = new(new ZsPoolOptions { Mapping = _mapping, MemoryLimit = 8 << 20 });
            MemoryBudget budget = pool.Budget;
            const int Threads = 4;
            int refused = 0;
            using CountdownEvent working = new(Threads);
            Crew.OnThreads(Threads + 1, thread =>
            {
                if (thread == Threads)
                {
                    // Every thread has been through once, and goes on.
                    working.Wait(TestContext.Current.CancellationToken);
                    pool.Dispose();
                    return;
                }
                try
                {
                    for (bool isFirst = true; ; isFirst = false)
                    {
                        ZsHandle handle = pool.Allocate(1700);
                        using (ZsMap map = pool.Map(handle, MapMode.Write))
                            map.Span.Fill(1);
                        pool.Free(handle);
                        pool.Compact();
                        if (isFirst)
                            working.Signal();
                    }
                }
                catch (ObjectDisposedException)
                {
                    // What a closed pool says.
                    Interlocked.Increment(ref refused);
                }
            });
            Assert.Equal(Threads, refused);
            Assert.InRange(budget.Used, 0, 3000);
        }
    }
}

/// <inheritdoc/>
public sealed class ZsPoolConcurrencyTestsByCopy() : ZsPoolConcurrencyTests(MappingKind.Copy);

/// <inheritdoc/>
public sealed class ZsPoolConcurrencyTestsThroughWindows() : ZsPoolConcurrencyTests(MappingKind.Window);
