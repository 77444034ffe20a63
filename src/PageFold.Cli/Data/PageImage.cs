using System.Runtime.InteropServices;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Data;

/// <summary>Pages of real data, all in memory and off the GC heap, so that timed code reads nothing else.</summary>
/// <remarks>
/// Same-filled pages are left out. No codec, store or kernel compresses them, so they would only favor the one that detects them fastest.
/// </remarks>
internal sealed class PageImage : IDisposable
{
    private readonly NativeBytes _bytes;
    private readonly bool _isPart;

    private PageImage(NativeBytes bytes, int pageSize, int count, int sameFilled, bool isPart)
    {
        _isPart = isPart;
        _bytes = bytes;
        PageSize = pageSize;
        Count = count;
        SameFilled = sameFilled;
    }

    public int PageSize { get; }

    /// <summary>Pages in the image.</summary>
    public int Count { get; }

    /// <summary>Pages that were left out because one word fills them.</summary>
    public int SameFilled { get; }

    /// <summary>A page, aligned to its size.</summary>
    public ReadOnlySpan<byte> this[int page] => _bytes.Slice((long)page * PageSize, PageSize);

    /// <summary>Reads the chosen pages of a source.</summary>
    public static PageImage Load(PageSource source, WorkProgress progress, CancellationToken cancellation)
    {
        int pageSize = source.PageSize;
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        long wanted = (long)source.Pages * pageSize;
        // The image itself, and up to the same size for each subject that is measured side by side.
        if (wanted > available / 4)
        {
            throw new UserErrorException(
                $"{ByteSize.Format(wanted)} of data are too much to hold: a quarter of the {ByteSize.Format(available)} of memory can "
                    + "be used; choose less with --sample.");
        }
        NativeBytes? bytes = new(wanted, pageSize);
        try
        {
            progress.Begin("Reading the data", source.Pages);
            int count = 0;
            int sameFilled = 0;
            byte[] buffer = new byte[source.Extents.Max(extent => extent.Pages) * pageSize];
            foreach (Extent extent in source.Extents)
            {
                cancellation.ThrowIfCancellationRequested();
                int read = source.Read(extent, buffer);
                for (int i = 0; i < read; i++)
                {
                    ReadOnlySpan<byte> page = buffer.AsSpan(i * pageSize, pageSize);
                    if (!MemoryMarshal.Cast<byte, ulong>(page).ContainsAnyExcept(MemoryMarshal.Read<ulong>(page)))
                    {
                        sameFilled++;
                        continue;
                    }
                    page.CopyTo(bytes.Slice((long)count++ * pageSize, pageSize));
                }
                progress.Add(extent.Pages);
            }
            if (count == 0)
                throw new UserErrorException($"{source.Description} holds only pages of one repeated word; choose other data.");
            PageImage image = new(bytes, pageSize, count, sameFilled, isPart: false);
            bytes = null;
            return image;
        }
        finally
        {
            bytes?.Dispose();
        }
    }

    /// <summary>The first pages, or all if there are fewer, as an image that is valid as long as this one.</summary>
    public PageImage First(int pages) => new(_bytes, PageSize, Math.Min(pages, Count), 0, isPart: true);

    public void Dispose()
    {
        if (!_isPart)
            _bytes.Dispose();
    }
}
