using PageFold.Tests;

namespace PageFold.Disks.Tests;

/// <summary>Every exception that a public member of a disk throws, before and after its end, is in its documentation.</summary>
public sealed class DocumentationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-");
    private readonly List<RamDisk> _disks = [];
    private readonly DocumentedExceptions _documented;

    public DocumentationTests()
    {
        string good = Path.Combine(_folder.FullName, "good");
        MakeDisk().SaveSnapshot(good);
        _documented = new DocumentedExceptions([typeof(RamDisk).Assembly, typeof(PageStore).Assembly], new Dictionary<Type, object?[]>
        {
            [typeof(long)] = [4096L, 0L, -1L, long.MaxValue],
            [typeof(string)] = [good, null, string.Empty, Path.Combine(_folder.FullName, "no/folder"), _folder.FullName, "\0"],
            [typeof(CancellationToken)] = [CancellationToken.None, new CancellationToken(canceled: true)],
            [typeof(RamDiskOptions)] =
                [Options(1 << 20, 4096), null, Options(-1, 4096), Options(1, 4096), Options(1 << 20, 0), Options(1 << 20, 5)],
        });
    }

    public void Dispose()
    {
        _disks.ForEach(disk => disk.Dispose());
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_member_throws_is_documented(bool hasEnded)
    {
        byte[] page = new byte[4096];
        List<string?> missing = [.. _documented.Missing(typeof(RamDisk), Disk)];
        RamDisk disk = Disk();
        foreach (long offset in (long[])[0, -1, disk.Length])
        {
            missing.Add(_documented.Missing("M:PageFold.Disks.RamDisk.Read(", () => disk.Read(offset, page)));
            missing.Add(_documented.Missing("M:PageFold.Disks.RamDisk.TryWrite(", () => disk.TryWrite(offset, page)));
        }
        missing.RemoveAll(line => line is null);
        Assert.True(missing.Count == 0, string.Join("\n", missing.Distinct()));

        RamDisk Disk()
        {
            RamDisk disk = MakeDisk();
            if (hasEnded)
                disk.Dispose();
            return disk;
        }
    }

    private RamDisk MakeDisk()
    {
        RamDisk disk = new(Options(1 << 20, 16384));
        _disks.Add(disk);
        Assert.True(disk.TryWrite(0, new byte[] { 1 }));
        return disk;
    }

    private static RamDiskOptions Options(long length, int pageSize) =>
        new() { Length = length, Store = new PageStoreOptions { MemoryLimit = 4 << 20, PageSize = pageSize } };
}
