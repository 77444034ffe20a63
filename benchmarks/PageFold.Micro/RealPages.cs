using System.Runtime.InteropServices;

namespace PageFold.Micro;

/// <summary>Pages of the running .NET runtime's own folder: real data, code and tables mixed, wherever the benchmarks run.</summary>
internal static class RealPages
{
    private const int MaxPages = (64 << 20) / PageSet.PageSize;

    /// <summary>Reads up to 64 MiB of whole pages, evenly from all files; the same pages each time.</summary>
    public static PageSet Read()
    {
        List<(string File, int Page)> all = [];
        foreach (string file in Directory.EnumerateFiles(RuntimeEnvironment.GetRuntimeDirectory()).Order(StringComparer.Ordinal))
        {
            int pages = (int)(new FileInfo(file).Length / PageSet.PageSize);
            all.AddRange(Enumerable.Range(0, pages).Select(page => (file, page)));
        }
        int count = Math.Min(MaxPages, all.Count);
        byte[] bytes = new byte[count * PageSet.PageSize];
        FileStream? stream = null;
        try
        {
            for (int i = 0; i < count; i++)
            {
                (string file, int page) = all[(int)((long)i * all.Count / count)];
                if (stream?.Name != file)
                {
                    stream?.Dispose();
                    stream = File.OpenRead(file);
                }
                stream.Position = (long)page * PageSet.PageSize;
                stream.ReadExactly(bytes, i * PageSet.PageSize, PageSet.PageSize);
            }
        }
        finally
        {
            stream?.Dispose();
        }
        return new PageSet(bytes);
    }

    /// <summary>Reads the pages and returns their sizes compressed with LZ4; the page's size where LZ4 does not help.</summary>
    public static int[] ReadCompressedSizes()
    {
        PageSet pages = Read();
        using PageCodecContext context = PageCodec.Lz4.CreateContext(PageSet.PageSize);
        byte[] packed = new byte[PageSet.PageSize - 1];
        int[] sizes = new int[pages.Count];
        for (int i = 0; i < sizes.Length; i++)
            sizes[i] = context.TryCompress(pages[i], packed, out int size) ? size : PageSet.PageSize;
        return sizes;
    }
}
