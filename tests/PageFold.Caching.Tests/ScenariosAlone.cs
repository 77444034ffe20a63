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

    private static long Resident()
    {
        GC.Collect();
        return Environment.WorkingSet;
    }
}
