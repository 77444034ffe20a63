namespace PageFold.Disks.Tests;

/// <summary>In steady state a disk allocates nothing on the GC heap.</summary>
[Collection(Alone.Name)]
public class AllocationFreeTests
{
    [Theory]
    [InlineData(4096, "lz4")]
    [InlineData(16384, "lz4")]
    [InlineData(16384, "fold")]
    [InlineData(65536, "zstd")]
    public void Reads_and_writes_of_a_disk_allocate_nothing(int pageSize, string codec)
    {
        using RamDisk disk = TestDisk.Make(4 << 20, pageSize,
            codec switch { "lz4" => PageCodec.Lz4, "fold" => PageCodec.Fold(), _ => PageCodec.Zstd(1) });
        byte[][] contents = [.. Enumerable.Range(0, 8).Select(i => Content.Compressible(10_000, (ulong)i))];
        byte[] read = new byte[10_000];
        int round = 0;
        long least = Allocations.Least(() => GC.GetAllocatedBytesForCurrentThread(), () =>
        {
            round++;
            for (int i = 0; i < 400; i++)
            {
                disk.TryWrite(i * 10_000L, contents[(i + round) % 8]);
                disk.Read(i * 10_000L, read);
                disk.TryZero(i * 9_000L, 5_000, punch: i % 2 == 0);
                disk.RunAt(i * 10_000L, 10_000, out _);
            }
            disk.Flush();
            disk.Trim(0, disk.Length);
        });
        Assert.Equal(0, least);
    }
}
