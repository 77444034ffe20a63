using PageFold.Allocation;

namespace PageFold.Tests.Allocation;

/// <summary>A handle outlives its pool as a value only: no later pool takes it for one of its own.</summary>
public class PoolNumberTests
{
    [Fact]
    public void A_handle_of_a_pool_that_is_gone_is_refused_by_every_later_pool_with_its_number() =>
        Gen.Select(Gen.Int[0, 40].Array[1, 12], Gen.Int[1, 3], Gen.Int[0, int.MaxValue]).Sample((frees, numbers, seed) =>
        {
            PoolNumbers few = new(numbers);
            Random random = new(seed);
            List<ZsHandle> stale = [];
            foreach (int count in frees)
            {
                ZsPool pool = Make(few);
                List<ZsHandle> live = [];
                for (int i = 0; i < count; i++)
                {
                    live.Add(pool.Allocate(1 + random.Next(100)));
                    if (random.Next(3) != 0)
                        Free(pool, live, stale, random.Next(live.Count));
                    if (random.Next(20) == 0)
                        pool.Compact();
                }
                long objects = pool.GetStatistics().Objects;
                Assert.All(stale, handle => AssertRefused(pool, handle));
                Assert.All(live, handle => Assert.InRange(pool.SizeOf(handle), 1, 100));
                Assert.Equal(objects, pool.GetStatistics().Objects);
                stale.AddRange(live);
                pool.Dispose();
            }
            return stale.Count == stale.Distinct().Count();
        }, iter: 40, threads: 1);

    [Fact]
    public void Handles_of_pools_that_were_forgotten_are_refused_too()
    {
        PoolNumbers one = new(1);
        List<ZsHandle> stale = [];
        for (int round = 0; round < 5; round++)
        {
            Forget();
            ZsPool? pool = null;
            // The number comes back with the pool.
            Assert.True(SpinWait.SpinUntil(
                () =>
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    return Record.Exception(() => pool = Make(one)) is null;
                },
                TimeSpan.FromSeconds(60)));
            stale.Add(pool!.Allocate(10));
            Assert.All(stale.SkipLast(1), handle => AssertRefused(pool, handle));
            pool.Dispose();
        }
        Assert.Equal(stale.Count, stale.Distinct().Count());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        void Forget()
        {
            ZsPool pool = Make(one);
            for (int i = 0; i < 10; i++)
            {
                stale.Add(pool.Allocate(10));
                pool.Free(stale[^1]);
            }
            stale.Add(pool.Allocate(10));
        }
    }

    [Fact]
    public void A_number_whose_generations_are_used_up_goes_on_at_random()
    {
        HashSet<uint> origins = [];
        for (int i = 0; i < 20; i++)
        {
            PoolNumbers one = new(1);
            uint number = one.Take(out uint origin);
            Assert.Equal(0u, origin);
            one.Return(number, ZsHandle.MaxGeneration);
            Assert.Equal(number, one.Take(out origin));
            Assert.Equal(ZsHandle.MaxGeneration, origin);
            one.Return(number, 1);
            one.Take(out origin);
            Assert.InRange(origin, 0u, ZsHandle.MaxGeneration);
            origins.Add(origin);
        }
        Assert.True(origins.Count > 15);
    }

    [Fact]
    public void As_many_pools_are_open_as_there_are_numbers_and_a_refusal_keeps_nothing()
    {
        PoolNumbers two = new(2);
        ZsPool first = Make(two);
        using ZsPool second = Make(two);
        Assert.Contains("2 pools are open", Assert.Throws<InvalidOperationException>(() => Make(two)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZsPool(new ZsPoolOptions { MemoryLimit = 64 << 10, Numbers = new PoolNumbers(1) }));
        first.Dispose();
        using ZsPool third = Make(two);
        Assert.Equal(10, third.SizeOf(third.Allocate(10)));
    }

    [Fact]
    public void A_pool_that_could_not_be_made_gives_its_number_back()
    {
        PoolNumbers one = new(1);
        for (int i = 0; i < 3; i++)
            Assert.Throws<ArgumentOutOfRangeException>(() => new ZsPool(new ZsPoolOptions { MemoryLimit = 64 << 10, Numbers = one }));
        using ZsPool pool = Make(one);
    }

    private static ZsPool Make(PoolNumbers numbers) => new(new ZsPoolOptions { MemoryLimit = 4 << 20, Numbers = numbers });

    private static void Free(ZsPool pool, List<ZsHandle> live, List<ZsHandle> stale, int index)
    {
        pool.Free(live[index]);
        stale.Add(live[index]);
        live.RemoveAt(index);
    }

    private static void AssertRefused(ZsPool pool, ZsHandle handle)
    {
        Assert.Throws<InvalidHandleException>(() => pool.SizeOf(handle));
        Assert.Throws<InvalidHandleException>(() => pool.Free(handle));
    }
}
