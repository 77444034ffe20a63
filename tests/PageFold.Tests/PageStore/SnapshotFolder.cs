using System.Runtime.InteropServices;

namespace PageFold.Tests.Store;

/// <summary>A folder for a test's snapshots, and pages of all kinds to put into them.</summary>
internal sealed class SnapshotFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-");

    public string Path => _folder.FullName;

    public string File => In("disk.snapshot");

    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A page of one of five kinds: zeros, a byte, a word, compressible, noise.</summary>
    public static byte[] MakePage(int size, int kind, ulong key)
    {
        byte[] page = new byte[size];
        switch (kind)
        {
            case 0:
                break;
            case 1:
                page.AsSpan().Fill((byte)(key | 1));
                break;
            case 2:
                MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(key * 0x9E3779B97F4A7C15 | 1);
                break;
            case 3:
                Pages.FillCompressible(page, key, 0.1 + key % 7 / 10.0);
                break;
            default:
                Pages.Fill(page, key);
                break;
        }
        return page;
    }

    /// <summary>What a store holds, page by page.</summary>
    public static Dictionary<long, byte[]> ContentOf(PageStore store)
    {
        Dictionary<long, byte[]> content = [];
        foreach (long page in store.EnumeratePages())
        {
            byte[] bytes = new byte[store.PageSize];
            Assert.True(store.TryRead(page, bytes));
            content[page] = bytes;
        }
        return content;
    }

    public static void AssertSame(Dictionary<long, byte[]> expected, Dictionary<long, byte[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach ((long page, byte[] bytes) in expected)
            Assert.True(bytes.AsSpan().SequenceEqual(actual[page]), $"page {page}");
    }

    public void AssertOnly(params string[] names) =>
        Assert.Equal(names.Order(), _folder.EnumerateFileSystemInfos().Select(item => item.Name).Order());

    public void Dispose() => _folder.Delete(recursive: true);
}
