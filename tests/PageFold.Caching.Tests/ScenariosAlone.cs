using System.Globalization;

namespace PageFold.Caching.Tests;

/// <summary>The fault of others that is seen in the whole process, so that no other test may run beside it.</summary>
[Collection(Alone.Name)]
public class ScenariosAlone
{
    /// <summary>bigcache#292; the campaign cache-memory looks at a process from outside.</summary>
    [Fact]
    public void Resident_memory_keeps_the_limit()
    {
        using CompressedCache cache = TestCaches.Make(48 << 20);
        byte[] value = new byte[40_000];
        long before = Resident();
        for (int i = 0; i < 60_000; i++)
        {
            Content.Fill(value.AsSpan(0, i % 3000), (ulong)i);
            cache.Set($"{i}", value.AsSpan(0, i % 400 == 0 ? value.Length : i % 3000));
        }
        // A cache that is not full proves nothing. What earlier tests held may go meanwhile, so the least is not asked of the process.
        Assert.InRange(cache.UsedBytes, 40 << 20, 48 << 20);
        Assert.InRange(Resident() - before, long.MinValue, 96 << 20);
    }

    /// <summary>With gigabytes on pages of 4 KiB, a get would spend most of its time in walks of page tables.</summary>
    [Fact]
    public void Most_of_a_large_cache_lies_on_huge_pages_after_a_while()
    {
        const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        Assert.SkipUnless(File.Exists(Setting) && !File.ReadAllText(Setting).Contains("[never]", StringComparison.Ordinal),
            "The system makes no huge pages for anonymous memory.");
        using CompressedCache cache = TestCaches.Make(512 << 20);
        long before = HugeKibibytes();
        byte[] value = new byte[4000];
        for (int i = 0; i < 16_000; i++)
        {
            Content.Fill(value, (ulong)i);
            cache.Set($"{i}", value);
        }
        long deadline = Environment.TickCount64 + 60_000;
        while (HugeKibibytes() - before < 32 << 10 && Environment.TickCount64 < deadline)
            Thread.Sleep(100);
        Assert.InRange(HugeKibibytes() - before, 32 << 10, 128 << 10);
        Assert.Equal(16_000, cache.Count);
    }

    private static long HugeKibibytes() => File.ReadLines("/proc/self/smaps_rollup")
        .Where(line => line.StartsWith("AnonHugePages:", StringComparison.Ordinal))
        .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));

    private static long Resident()
    {
        GC.Collect();
        return Environment.WorkingSet;
    }
}
