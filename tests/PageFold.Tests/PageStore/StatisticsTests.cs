using System.Runtime.InteropServices;

namespace PageFold.Tests.Store;

/// <summary>
/// Figures that are taken while everything else goes on are those of one moment: none is negative or above what can be, and those that
/// belong together add up.
/// </summary>
public sealed class StatisticsTests : IDisposable
{
    private const int PageSize = 4096;
    private const int Count = 600;

    private readonly string _file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_text_of_the_figures_shows_the_elements_of_lists()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        store.Write(1, Make(new byte[PageSize], new Random(1)));
        string text = store.GetStatistics().ToString();
        Assert.Contains("PagesByCodec = [", text, StringComparison.Ordinal);
        Assert.Contains("Codecs = [CodecUse { Number = 0, Name = fold", text, StringComparison.Ordinal);
        Assert.Contains("Classes = [SizeClassStatistics {", text, StringComparison.Ordinal);
        Assert.Contains("Fullness = [0, 0, 0, ", text, StringComparison.Ordinal);
        Assert.Contains(" more]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64L << 20)]
    [InlineData(3L << 20)]
    public void Every_look_adds_up_while_pages_are_written_discarded_moved_recompressed_and_written_back(long limit)
    {
        using PageStore store = new(new PageStoreOptions
        {
            MemoryLimit = limit,
            TrackAccess = true,
            Writeback = new() { Path = _file, MaxBytes = 8 << 20 },
        });
        store.AddCodec(PageCodec.Lz4Managed);
        using CancellationTokenSource done = new();
        Action[] work = [.. Workers(store)];
        long[] steps = new long[work.Length];
        Task[] workers = [.. work.Select((step, worker) => Pages.OnItsOwnThread(() =>
        {
            for (; !done.IsCancellationRequested; Volatile.Write(ref steps[worker], steps[worker] + 1))
                step();
        }))];
        try
        {
            PageStoreStatistics before = store.GetStatistics();
            long deadline = Environment.TickCount64 + Rounds.Of(1000);
            // Until every worker has worked between two looks, too.
            for (int look = 0; Environment.TickCount64 < deadline || look < 100 || steps.Min() < 2; look++)
            {
                PageStoreStatistics now = store.GetStatistics();
                AssertAddsUp(now, limit);
                Assert.All(Totals(now).Zip(Totals(before)), total => Assert.True(total.First >= total.Second, "a total fell"));
                before = now;
                if (look % 100 == 0)
                    store.ResetPeak();
                foreach (CodecUse codec in store.Codecs)
                    Assert.InRange(codec.Pages, 0, Count);
            }
        }
        finally
        {
            done.Cancel();
            Task.WaitAll(workers);
        }
        PageStoreStatistics end = store.GetStatistics();
        Assert.Equal(store.EnumeratePages().Count(), end.Pages);
        Assert.Equal(store.Index.Budget.Used, end.TotalBytes);
        store.Discard(0, Count);
        end = store.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (end.Pages, end.CompressedBytes, end.WrittenBackBytes, end.PoolBytes));
    }

    private static long[] Totals(PageStoreStatistics s) =>
        [s.RefusedWrites, s.WritebackWrites, s.WritebackReads, s.FramesCompacted, s.BytesMoved];

    private static IEnumerable<Action> Workers(PageStore store)
    {
        for (int thread = 0; thread < 4; thread++)
        {
            Random random = new(thread);
            byte[] page = new byte[PageSize];
            yield return () =>
            {
                // Few pages, so that one thread discards what another is just storing.
                int number = random.Next(random.Next(1, Count));
                if (random.Next(3) == 0)
                    store.Discard(number, random.Next(1, 4));
                else
                    store.Write(number, Make(page, random), random.Next(2) == 0 ? RefusalPolicy.Keep : RefusalPolicy.Invalidate);
                if (random.Next(8) == 0)
                    store.TryRead(number, page);
            };
        }
        yield return () => store.Compact();
        yield return () => store.Recompress(
            new RecompressionOptions { Codec = PageCodec.Lz4Managed, MaxPages = 50, RetryWithoutGain = true });
        yield return () => store.WriteBack(new WritebackSelection { MaxBytes = 100_000 });
    }

    private static void AssertAddsUp(PageStoreStatistics s, long limit)
    {
        Assert.InRange(s.Pages, 0, Count);
        Assert.Equal(s.Pages * PageSize, s.OriginalBytes);
        Assert.Equal(s.PagesByCodec.Sum(), s.Codecs.Sum(use => use.Pages));
        Assert.Single(s.Codecs, use => use.IsForWrites);
        long[] parts = [s.SameFilledPages, s.IncompressiblePages, s.WrittenBackPages, .. s.PagesByCodec];
        Assert.All(parts, pages => Assert.InRange(pages, 0, s.Pages));
        // What is left are the pages that lie raw in the writeback file.
        Assert.InRange(s.Pages - s.SameFilledPages - s.IncompressiblePages - s.PagesByCodec.Sum(), 0, s.WrittenBackPages);
        Assert.InRange(s.CompressedBytes, s.IncompressiblePages * PageSize, s.PoolBytes);
        Assert.InRange(s.WrittenBackBytes, s.WrittenBackPages, s.WrittenBackPages * PageSize);
        Assert.InRange(s.WrittenBackBytes, 0, s.WritebackFileBytes);
        Assert.InRange(s.SlotTableBytes + s.AccessTableBytes, 0, s.TableBytes);
        Assert.InRange(s.TotalBytes, s.PoolBytes, s.PeakBytes);
        Assert.InRange(s.PeakBytes, 0, limit);
        Assert.Equal(limit, s.MemoryLimit);
        Assert.Equal(s.PoolBytes, s.Classes.Sum(sizeClass => sizeClass.Frames) * PageSize);
        long objects = s.Classes.Sum(sizeClass => sizeClass.Objects);
        Assert.True(objects >= s.Pages - s.SameFilledPages - s.WrittenBackPages, "pages without objects");
        long room = s.Classes.Sum(sizeClass => sizeClass.Objects * sizeClass.ObjectSize);
        Assert.True(room >= s.CompressedBytes, "more bytes than the objects have");
        Assert.All(s.Classes, AssertClassAddsUp);
    }

    internal static void AssertClassAddsUp(SizeClassStatistics s)
    {
        Assert.InRange(s.Objects, s.Zspages, (long)s.Zspages * s.ObjectsPerZspage);
        Assert.InRange(s.Frames, s.Zspages, (long)s.Zspages * s.FramesPerZspage);
        Assert.InRange(s.ReclaimableFrames, 0, s.Frames);
        Assert.Equal(s.Zspages, s.Fullness.Sum());
        Assert.All(s.Fullness, zspages => Assert.InRange(zspages, 0, s.Zspages));
    }

    private static byte[] Make(byte[] page, Random random)
    {
        switch (random.Next(5))
        {
            case 0:
                page.AsSpan().Clear();
                break;
            case 1:
                MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill((ulong)random.NextInt64());
                break;
            case 2:
                Pages.Fill(page, (ulong)random.NextInt64());
                break;
            default:
                Pages.FillCompressible(page, (ulong)random.NextInt64(), random.NextDouble() * 0.8);
                break;
        }
        return page;
    }
}
