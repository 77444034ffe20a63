using PageFold.Disks.Cells;

namespace PageFold.Disks.Tests;

/// <summary>Status, trim and zeroing of huge ranges: told right, and at a cost of what is held there.</summary>
public class RamDiskExtentsTests
{
    private const long Huge = 1L << 44;

    // The page size and whether the disk has a cache.
    public static TheoryData<int, bool> Disks() => new()
    {
        { 4096, false }, { 8192, true }, { 8192, false }, { 16384, true }, { 32768, true }, { 65536, true }, { 65536, false },
    };

    [Theory]
    [MemberData(nameof(Disks))]
    public void A_huge_empty_disk_is_one_hole_found_in_one_step(int pageSize, bool cached)
    {
        using RamDisk disk = Make(Huge, pageSize, cached);
        long before = RamDisk.RunsWalked;
        Assert.Equal(Huge, disk.RunAt(0, Huge, out PageResidency residency));
        Assert.Equal(PageResidency.Hole, residency);
        Assert.Equal(Huge, disk.ZerosAt(0, Huge));
        disk.Trim(0, Huge);
        Assert.True(disk.TryZero(1, Huge - 1));
        Assert.Equal(2, RamDisk.RunsWalked - before);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public void Few_pages_on_a_huge_disk_cost_a_few_steps_whether_they_are_in_the_cache_or_not(int pageSize, bool cached)
    {
        const int Count = 40;
        using RamDisk disk = Make(Huge, pageSize, cached);
        SortedSet<long> offsets = [];
        for (int i = 0; i < Count; i++)
        {
            long offset = Math.Min(i * (Huge / Count), Huge - pageSize) / pageSize * pageSize;
            Assert.True(disk.TryWrite(offset + 5, [1, 2, 3]));
            offsets.Add(offset);
            if (i == Count / 2)
                Assert.True(disk.Flush());
        }
        long before = RamDisk.RunsWalked;
        List<long> found = [];
        for (long at = 0; at < Huge;)
        {
            long run = disk.RunAt(at, Huge - at, out PageResidency residency);
            if (residency != PageResidency.Hole)
                found.Add(at);
            at += run;
        }
        Assert.Equal(offsets, found);
        Assert.InRange(RamDisk.RunsWalked - before, 2 * Count, 8 * Count);
        disk.Trim(0, Huge);
        Assert.Equal(Huge, disk.RunAt(0, Huge, out PageResidency empty));
        Assert.Equal(PageResidency.Hole, empty);
        Assert.Equal(0, disk.Store.GetStatistics().Pages);
        Assert.True(disk.Flush());
        Assert.Equal(0, disk.Store.GetStatistics().Pages);
    }

    [Fact]
    public void The_first_dirty_page_of_a_range_is_found_among_any() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            int count = 1 << random.Next(10);
            DirtyCells dirty = new(count);
            PageCell[] cells = [.. Enumerable.Range(0, count).Select(number => new PageCell(null, dirty, number))];
            int share = random.Next(1, 20);
            for (int cell = 0; cell < count; cell++)
            {
                if (random.Next(3) == 0)
                    continue;
                cells[cell].Page = random.NextInt64(0, 50) * count + cell;
                cells[cell].Dirty = random.Next(share) == 0;
            }
            for (int i = 0; i < 100; i++)
            {
                long first = random.NextInt64(0, 50L * count);
                long end = random.Next(2) == 0 ? 50L * count : random.NextInt64(first, 50L * count) + 1;
                IEnumerable<PageCell> inside = cells.Where(cell => cell.Dirty && cell.Page >= first && cell.Page < end);
                Assert.Equal(inside.Select(cell => cell.Page).DefaultIfEmpty(end).Min(), dirty.FirstPage(cells, first, end));
            }
        },
        iter: 200);

    [Fact]
    public void Pages_that_were_only_read_are_told_as_the_store_holds_them()
    {
        using RamDisk disk = Make(1 << 20, 65536, cached: true);
        disk.Read(10, new byte[10]);
        Assert.Equal(1 << 20, disk.RunAt(0, 1 << 20, out PageResidency residency));
        Assert.Equal(PageResidency.Hole, residency);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public void A_part_that_is_zeroed_without_a_hole_keeps_its_page(int pageSize, bool cached)
    {
        using RamDisk disk = Make(8L * pageSize, pageSize, cached);
        // A hole, a page of data that becomes zeros part by part, and one of which data is left.
        Assert.True(disk.TryZero(512, 512, punch: false));
        Assert.True(disk.TryWrite(pageSize, Content.Of(2 * pageSize, 1)));
        Assert.True(disk.TryZero(pageSize, pageSize / 2, punch: false));
        Assert.True(disk.TryZero(pageSize + pageSize / 2, pageSize / 2 + 512, punch: true));
        Assert.True(disk.Flush());
        Assert.Equal(cached ? [PageResidency.Zero, PageResidency.Zero] : [PageResidency.Zero, PageResidency.Hole], Residencies(disk, 2));
        Assert.Equal(PageResidency.Hole, Residencies(disk, 8)[7]);
        Assert.Equal(2 * pageSize, disk.RunAt(2 * pageSize, pageSize, out PageResidency data) + pageSize);
        Assert.True(data is PageResidency.Compressed or PageResidency.Incompressible);
        // Neither zeros written to a part nor a trim of a part take the place of the rest.
        Assert.True(disk.TryWrite(0, new byte[512]));
        disk.Trim(1024, 512);
        Assert.True(disk.TryZero(2048, 512));
        Assert.True(disk.Flush());
        Assert.Equal(PageResidency.Zero, Residencies(disk, 1)[0]);
        byte[] read = Content.Of(pageSize, 2);
        disk.Read(0, read);
        Assert.Equal(new byte[pageSize], read);
        disk.Trim(0, 2 * pageSize);
        Assert.Equal([PageResidency.Hole, PageResidency.Hole], Residencies(disk, 2));
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public void All_pages_that_a_range_without_holes_touches_are_held(int pageSize, bool cached)
    {
        using RamDisk disk = Make(8L * pageSize, pageSize, cached);
        Assert.True(disk.TryZero(2 * pageSize - 512, 3L * pageSize, punch: false));
        Assert.True(disk.Flush());
        PageResidency[] expected = Enumerable.Repeat(PageResidency.Hole, 8).ToArray();
        expected.AsSpan(1, 4).Fill(PageResidency.Zero);
        Assert.Equal(expected, Residencies(disk, 8));
        Assert.Equal(4, disk.Store.GetStatistics().SameFilledPages);
    }

    [Fact]
    public void Without_memory_for_its_place_a_part_without_a_hole_is_refused()
    {
        using RamDisk disk = new(new RamDiskOptions { Length = Huge, Store = new PageStoreOptions { MemoryLimit = 512 << 10 } });
        byte[] noise = Content.Of(4096, 1);
        for (long page = 0; disk.TryWrite(page * 4096, noise); page++)
        {
        }
        Assert.False(disk.TryZero(Huge / 2 + 512, 512, punch: false));
        Assert.True(disk.TryZero(Huge / 2 + 512, 512));
    }

    private static PageResidency[] Residencies(RamDisk disk, int pages) => [.. Enumerable.Range(0, pages).Select(page =>
    {
        disk.RunAt((long)page * disk.PageSize, 1, out PageResidency residency);
        return residency;
    })];

    [Fact]
    public void Pages_in_the_writeback_file_are_told_as_such_and_are_slow_to_read()
    {
        const int Page = 4096;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-disk-");
        try
        {
            using RamDisk disk = new(new RamDiskOptions
            {
                Length = 16 * Page,
                Store = new PageStoreOptions { MemoryLimit = 16 << 20,
                    Writeback = new WritebackOptions { Path = Path.Combine(folder.FullName, "writeback") } },
            });
            byte[] noise = new byte[4 * Page];
            new Random(1).NextBytes(noise);
            Assert.True(disk.TryWrite(4 * Page, noise));
            disk.Store.WriteBack();
            Assert.True(disk.TryWrite(8 * Page, noise));
            List<(long, PageResidency)> runs = [];
            for (long at = 0; at < disk.Length;)
            {
                long run = disk.RunAt(at, disk.Length - at, out PageResidency residency);
                runs.Add((run / Page, residency));
                at += run;
            }
            Assert.Equal([(4, PageResidency.Hole), (4, PageResidency.WrittenBack), (4, PageResidency.Incompressible),
                (4, PageResidency.Hole)], runs);
            for (int first = 0; first < 16; first++)
            {
                for (int end = first + 1; end <= 16; end++)
                    Assert.Equal(first < 8 && end > 4, disk.IsSlowToRead(first * Page, (end - first) * Page));
            }
            Assert.False(disk.IsSlowToRead((4 * Page) - 1, 1));
            Assert.True(disk.IsSlowToRead((4 * Page) - 1, 2));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static RamDisk Make(long length, int pageSize, bool cached) => new(new RamDiskOptions
    {
        Length = length,
        CacheBytes = cached ? null : 0,
        Store = new PageStoreOptions { PageSize = pageSize, MemoryLimit = 64 << 20 },
    });
}
