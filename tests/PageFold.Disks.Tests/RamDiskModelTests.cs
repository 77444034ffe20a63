namespace PageFold.Disks.Tests;

/// <summary>Random operations on a disk against an array of bytes.</summary>
public class RamDiskModelTests
{
    private const int Sector = RamDisk.SectorSize;

    // The page size, the disk's sectors, and bytes of cache, if not the default.
    private static readonly Dictionary<string, (int PageSize, int Sectors, long? Cache, PageCodec Codec)> Shapes = new()
    {
        ["4 KiB"] = (4096, 2048, null, PageCodec.Lz4),
        ["4 KiB, cut short"] = (4096, 2003, null, PageCodec.Lz4),
        ["less than a page"] = (4096, 3, null, PageCodec.Lz4),
        ["16 KiB, cut short"] = (16384, 4099, null, PageCodec.Lz4),
        ["16 KiB, few cells"] = (16384, 4096, 2 * 16384, PageCodec.Lz4),
        ["16 KiB, no cache"] = (16384, 4090, 0, PageCodec.Lz4),
        ["4 KiB, fold"] = (4096, 2003, null, PageCodec.Fold()),
        ["16 KiB, fold dense"] = (16384, 4099, 2 * 16384, PageCodec.Fold(FoldLevel.Dense)),
        ["64 KiB, cut short"] = (65536, 8195, null, PageCodec.Lz4),
        ["64 KiB, one cell"] = (65536, 4111, 65536, PageCodec.Zstd(1)),
        ["64 KiB, less than a page"] = (65536, 100, null, PageCodec.Lz4),
    };

    public static TheoryData<string> Disks() => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(Disks))]
    public void A_disk_agrees_with_an_array(string shape) =>
        Gen.Int.Sample(seed => Run(shape, limit: 256 << 20, seed, operations: 250), iter: 4, threads: 1);

    /// <summary>The same with so little memory that writes are refused: each page is then as it was before or as it should be.</summary>
    [Theory]
    [InlineData("4 KiB", 512 << 10)]
    [InlineData("4 KiB, cut short", 400 << 10)]
    [InlineData("16 KiB, cut short", 1536 << 10)]
    [InlineData("16 KiB, few cells", 1200 << 10)]
    [InlineData("16 KiB, no cache", 1200 << 10)]
    [InlineData("16 KiB, fold dense", 1200 << 10)]
    [InlineData("64 KiB, cut short", 3 << 20)]
    [InlineData("64 KiB, one cell", 2 << 20)]
    public void A_full_disk_refuses_writes_and_loses_nothing(string shape, long limit)
    {
        int refused = 0;
        Gen.Int.Sample(seed => Interlocked.Add(ref refused, Run(shape, limit, seed, operations: 400)), iter: 4, threads: 1);
        Assert.True(refused >= 10, $"only {refused} writes were refused");
    }

    [Theory]
    [InlineData(16384)]
    [InlineData(65536)]
    public void What_the_cache_has_accepted_outlives_a_full_store(int pageSize)
    {
        const int Pages = 128;
        using RamDisk disk = new(new RamDiskOptions
        {
            Length = (long)Pages * pageSize,
            CacheBytes = 8 * pageSize,
            Store = new PageStoreOptions { Codec = PageCodec.Lz4, PageSize = pageSize, MemoryLimit = (Pages / 4 + 8) * pageSize },
        });
        // Half a page each, so that each goes through the cache, until memory is short.
        Dictionary<int, byte[]> accepted = [];
        for (int page = 0; page < Pages; page++)
        {
            byte[] half = Content.Of(pageSize / 2, (ulong)page);
            if (disk.TryWrite((long)page * pageSize + 100, half))
                accepted[page] = half;
        }
        Assert.InRange(accepted.Count, 8, Pages - 1);
        Assert.False(disk.Flush());
        byte[] read = new byte[pageSize];
        for (int page = 0; page < Pages; page++)
        {
            disk.Read((long)page * pageSize, read);
            Assert.Equal(accepted.GetValueOrDefault(page) ?? new byte[pageSize / 2], read[100..(100 + pageSize / 2)]);
        }
        // Room is made by trimming one half; then the store takes all the rest.
        disk.Trim(0, (long)Pages / 2 * pageSize);
        Assert.True(disk.Flush());
        Assert.Equal(accepted.Keys.Count(page => page >= Pages / 2), disk.Store.GetStatistics().Pages);
        for (int page = Pages / 2; page < Pages; page++)
        {
            disk.Read((long)page * pageSize, read);
            Assert.Equal(accepted.GetValueOrDefault(page) ?? new byte[pageSize / 2], read[100..(100 + pageSize / 2)]);
        }
    }

    [Theory]
    [InlineData(4096, 100, 4096)]
    [InlineData(4096, 4095, 2)]
    [InlineData(65536, 65000, 1000)]
    [InlineData(65536, 1, 131_000)]
    public void Zeroing_over_an_edge_reaches_both_sides_and_nothing_else(int pageSize, int offset, int count)
    {
        using RamDisk disk = TestDisk.Make(4L * pageSize, pageSize);
        byte[] model = Content.Compressible(4 * pageSize, 1);
        Assert.True(disk.TryWrite(0, model));
        Assert.True(disk.TryZero(offset, count));
        model.AsSpan(offset, count).Clear();
        byte[] read = new byte[model.Length];
        disk.Read(0, read);
        Content.AssertSame(model, read, "the disk");
    }

    [Fact]
    public void Zeroing_that_is_refused_does_not_bring_back_what_the_cache_had_replaced()
    {
        const int Page = 16384;
        const int First = 1 << 16;
        using RamDisk disk = new(new RamDiskOptions
        {
            Length = 2L * First * Page,
            CacheBytes = Page,
            Store = new PageStoreOptions { Codec = PageCodec.Lz4, PageSize = Page, MemoryLimit = 1 << 20 },
        });
        long offset = (long)First * Page;
        byte[] content = Content.Of(Page, 1);
        for (long page = First; disk.TryWrite(page * Page, content); page++)
        {
        }
        // The cache holds the newest of the first page. Zeros before it that count as held need a new part of the store's table, for which
        // there is no memory.
        Assert.True(disk.TryWrite(offset + 7, [9, 9, 9]));
        content[7] = content[8] = content[9] = 9;
        Assert.False(disk.TryZero(offset - 100L * Page, 200L * Page, punch: false));
        byte[] read = new byte[Page];
        disk.Read(offset, read);
        Content.AssertSame(content, read, "the first page");
    }

    public static TheoryData<long, long> Outside() => new()
    {
        { -1, 1 }, { 0, 4097 }, { 4096, 1 }, { 4097, 0 }, { long.MaxValue, 1 }, { 1, long.MaxValue }, { 0, -1 }, { long.MinValue, 5 },
    };

    [Theory]
    [MemberData(nameof(Outside))]
    public void Ranges_outside_the_disk_are_refused(long offset, long count)
    {
        using RamDisk disk = TestDisk.Make(4096);
        // The argument that is wrong is the one named.
        string wrong = count >= 0 && offset is < 0 or > 4096 ? "offset" : "count";
        Assert.Equal(wrong, Assert.Throws<ArgumentOutOfRangeException>(() => disk.TryZero(offset, count)).ParamName);
        Assert.Equal(wrong, Assert.Throws<ArgumentOutOfRangeException>(() => disk.Trim(offset, count)).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.RunAt(offset, count, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.RunAt(0, 0, out _));
        if (count is < 0 or > 5000)
            return;
        Assert.Equal(wrong == "offset" ? wrong : "destination",
            Assert.Throws<ArgumentOutOfRangeException>(() => disk.Read(offset, new byte[count])).ParamName);
        Assert.Equal(wrong == "offset" ? wrong : "data",
            Assert.Throws<ArgumentOutOfRangeException>(() => disk.TryWrite(offset, new byte[count])).ParamName);
    }

    [Theory]
    [InlineData(0, null, "Length")]
    [InlineData(-512, null, "Length")]
    [InlineData(513, null, "Length")]
    [InlineData((1L << 44) + 512, null, "Length")]
    [InlineData(4096, -1L, "CacheBytes")]
    [InlineData(4096, 1L << 20, "CacheBytes")]
    public void Options_out_of_range_are_named(long length, long? cache, string option)
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => new RamDisk(new RamDiskOptions
        {
            Length = length,
            CacheBytes = cache,
            Store = new PageStoreOptions { Codec = PageCodec.Lz4, MemoryLimit = 1 << 20 },
        }));
        Assert.Equal(option, refused.ParamName);
    }

    /// <summary>Runs operations; returns how many were refused.</summary>
    private static int Run(string shape, long limit, int seed, int operations)
    {
        (int pageSize, int sectors, long? cache, PageCodec codec) = Shapes[shape];
        bool limited = limit < 256 << 20;
        Random random = new(seed);
        using RamDisk disk = new(new RamDiskOptions
        {
            Length = (long)sectors * Sector,
            CacheBytes = cache,
            Store = new PageStoreOptions { PageSize = pageSize, MemoryLimit = limit, Codec = codec },
        });
        byte[] model = new byte[disk.Length];
        int refused = 0;
        for (int i = 0; i < operations; i++)
        {
            (int offset, int count) = Range(random, model.Length, pageSize);
            string what = $"seed {seed}, operation {i}, {count} bytes at {offset}";
            switch (random.Next(16))
            {
                case < 6:
                    byte[] data = Data(random, count, limited);
                    bool written = disk.TryWrite(offset, data);
                    refused += Settle(disk, model, offset, data, written, inOrder: true, what) ? 0 : 1;
                    break;
                case 6 or 7:
                    bool zeroed = disk.TryZero(offset, count, punch: random.Next(2) == 0);
                    refused += Settle(disk, model, offset, new byte[count], zeroed, inOrder: false, what) ? 0 : 1;
                    break;
                case 8:
                    disk.Trim(offset, count);
                    AssertTrimmed(disk, offset, count, what);
                    Settle(disk, model, offset, new byte[count], all: !limited, inOrder: false, what);
                    break;
                case 9:
                    Assert.True(disk.Flush() || limited);
                    break;
                case 10:
                    disk.Store.Compact();
                    break;
                case 11:
                    AssertRuns(disk, model, offset, count, what);
                    break;
                default:
                    byte[] read = Content.Of(count, 1);
                    disk.Read(offset, read);
                    Content.AssertSame(model.AsSpan(offset, count), read, what);
                    break;
            }
            Assert.True(disk.Store.GetStatistics().TotalBytes <= limit);
        }
        byte[] whole = new byte[model.Length];
        disk.Read(0, whole);
        Content.AssertSame(model, whole, $"seed {seed}, the whole");
        AssertRuns(disk, model, 0, model.Length, $"seed {seed}, the whole");
        AssertRoomAfterTrim(disk, random);
        return refused;
    }

    /// <summary>
    /// Takes into the model what an operation has done; if it was refused, each page is as it was or as it should be, and in order: first
    /// all of the new, then all of the old.
    /// </summary>
    private static bool Settle(RamDisk disk, byte[] model, int offset, byte[] data, bool all, bool inOrder, string what)
    {
        if (all)
        {
            data.CopyTo(model, offset);
            return true;
        }
        byte[] read = new byte[data.Length];
        disk.Read(offset, read);
        bool refused = false;
        for (int at = 0; at < data.Length;)
        {
            int count = Math.Min(data.Length - at, disk.PageSize - (offset + at) % disk.PageSize);
            ReadOnlySpan<byte> now = read.AsSpan(at, count);
            Span<byte> before = model.AsSpan(offset + at, count);
            bool isNew = now.SequenceEqual(data.AsSpan(at, count));
            bool isOld = now.SequenceEqual(before);
            Assert.True(isNew || isOld, $"{what}: a part of a page was changed");
            if (inOrder)
                Assert.False(refused && !isOld, $"{what}: a page behind the one that was refused was changed");
            refused |= !isNew;
            now.CopyTo(before);
            at += count;
        }
        return false;
    }

    private static void AssertTrimmed(RamDisk disk, int offset, int count, string what)
    {
        long first = (offset + disk.PageSize - 1) / disk.PageSize * disk.PageSize;
        long end = offset + count == disk.Length ? disk.Length : (offset + count) / disk.PageSize * disk.PageSize;
        if (first >= end)
            return;
        long hole = disk.RunAt(first, end - first, out PageResidency residency);
        Assert.True(residency == PageResidency.Hole && hole == end - first,
            $"{what}: {hole} bytes from {first} on are a {residency}, not {end - first}");
    }

    private static void AssertRuns(RamDisk disk, byte[] model, int offset, int count, string what)
    {
        for (long at = offset; at < offset + count;)
        {
            long length = disk.RunAt(at, offset + count - at, out PageResidency residency);
            Assert.InRange(length, 1, offset + count - at);
            Assert.True((at + length) % disk.PageSize == 0 || at + length == offset + count, $"{what}: a run ends within a page");
            if (residency is PageResidency.Hole or PageResidency.Zero)
                Assert.False(model.AsSpan((int)at, (int)length).ContainsAnyExcept((byte)0), $"{what}: a {residency} has content");
            at += length;
            if (at < offset + count)
            {
                disk.RunAt(at, 1, out PageResidency next);
                Assert.True(next != residency, $"{what}: two runs in one");
            }
        }
        long zeros = disk.ZerosAt(offset, count);
        Assert.InRange(zeros, 0, count);
        Assert.False(model.AsSpan(offset, (int)zeros).ContainsAnyExcept((byte)0), $"{what}: zeros have content");
        if (zeros == count)
            return;
        disk.RunAt(offset + zeros, 1, out PageResidency behind);
        Assert.True(behind is not (PageResidency.Hole or PageResidency.Zero));
        long some = disk.DataAt(offset + zeros, count - zeros);
        Assert.InRange(some, 1, count - zeros);
        if (zeros + some < count)
            Assert.InRange(disk.ZerosAt(offset + zeros + some, count - zeros - some), 1, count - zeros - some);
    }

    private static void AssertRoomAfterTrim(RamDisk disk, Random random)
    {
        disk.Trim(0, disk.Length);
        Assert.Equal(disk.Length, disk.RunAt(0, disk.Length, out PageResidency residency));
        Assert.Equal(PageResidency.Hole, residency);
        Assert.Equal(0, disk.Store.GetStatistics().Pages);
        byte[] data = Content.Of((int)Math.Min(disk.Length, disk.PageSize), (ulong)random.NextInt64());
        Assert.True(disk.TryWrite(0, data));
        Assert.True(disk.TryWrite(disk.Length - 100, data.AsSpan(0, 100)));
        byte[] read = new byte[100];
        disk.Read(disk.Length - 100, read);
        Assert.Equal(data[..100], read);
    }

    private static (int Offset, int Count) Range(Random random, int length, int pageSize)
    {
        int most = random.Next(10) == 0 ? length : Math.Min(length, 5 * pageSize);
        int offset = random.Next(length);
        int count = 1 + random.Next(Math.Min(most, length - offset));
        // Often whole sectors or whole pages, and often up to the end.
        int unit = random.Next(3) switch { 0 => 1, 1 => Sector, _ => pageSize };
        offset -= offset % unit;
        count = Math.Min(length - offset, (count + unit - 1) / unit * unit);
        return (offset, random.Next(12) == 0 && length - offset <= most ? length - offset : count);
    }

    private static byte[] Data(Random random, int count, bool limited)
    {
        ulong key = (ulong)random.NextInt64();
        switch (random.Next(limited ? 12 : 6))
        {
            case 0:
                return new byte[count];
            case 1:
                byte[] same = new byte[count];
                Array.Fill(same, (byte)key);
                return same;
            case 2 or 3:
                return Content.Compressible(count, key);
            default:
                return Content.Of(count, key);
        }
    }
}
