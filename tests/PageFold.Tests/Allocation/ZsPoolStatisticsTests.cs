using PageFold.Tests.Store;

namespace PageFold.Tests.Allocation;

/// <summary>A pool's figures are those of one moment.</summary>
public class ZsPoolStatisticsTests
{
    [Fact]
    public void Every_look_adds_up_while_objects_come_go_and_move()
    {
        const long Limit = 8 << 20;
        const int Threads = 4;
        const int Most = 200;
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = Limit });
        using CancellationTokenSource done = new();
        long changes = 0;
        long compactions = 0;
        Task[] workers = [.. Enumerable.Range(0, Threads).Select(thread => Pages.OnItsOwnThread(() =>
        {
            Random random = new(thread);
            List<ZsHandle> handles = [];
            while (!done.IsCancellationRequested)
            {
                if (handles.Count < Most && random.Next(2) == 0)
                {
                    handles.Add(pool.Allocate(random.Next(1, pool.MaxObjectSize + 1)));
                }
                else if (handles.Count > 0)
                {
                    int at = random.Next(handles.Count);
                    pool.Free(handles[at]);
                    handles.RemoveAt(at);
                }
                Interlocked.Increment(ref changes);
            }
            handles.ForEach(pool.Free);
        })), Pages.OnItsOwnThread(() =>
        {
            for (; !done.IsCancellationRequested; Volatile.Write(ref compactions, compactions + 1))
                pool.Compact();
        })];
        try
        {
            long deadline = Environment.TickCount64 + 1500;
            for (int look = 0; Environment.TickCount64 < deadline || look < 100 || Volatile.Read(ref changes) < 10_000
                || Volatile.Read(ref compactions) < 2; look++)
            {
                ZsPoolStatistics s = pool.GetStatistics();
                Assert.InRange(s.Objects, 0, Threads * Most);
                Assert.InRange(s.ObjectBytes, 0, s.PoolBytes);
                Assert.InRange(s.TableBytes, 0, s.TotalBytes);
                Assert.InRange(s.TotalBytes, s.PoolBytes, s.PeakBytes);
                Assert.InRange(s.PeakBytes, 0, Limit);
                Assert.All(s.Classes, StatisticsTests.AssertClassAddsUp);
            }
        }
        finally
        {
            done.Cancel();
            Task.WaitAll(workers);
        }
        Assert.Equal((0, 0), (pool.GetStatistics().Objects, pool.GetStatistics().PoolBytes));
    }
}
