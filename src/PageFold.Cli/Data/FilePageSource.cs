using Microsoft.Win32.SafeHandles;

namespace PageFold.Cli.Data;

/// <summary>The content of files and of folders with everything below them; links inside folders are not followed.</summary>
internal sealed class FilePageSource : PageSource
{
    private readonly List<(string Path, long Length)> _files = [];
    private readonly string _description;
    private string _reason = string.Empty;

    public FilePageSource(IReadOnlyList<string> paths, int pageSize, long? sampleBytes, CancellationToken cancellation)
        : base(pageSize)
    {
        List<(int Item, long Offset, long Pages)> runs = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
                AddFolder(path, runs, cancellation);
            else if (File.Exists(path))
                AddNamedFile(path, runs);
            else if (path.StartsWith('-'))
                throw new UserErrorException($"there is no option '{path}', nor a file or folder of that name; paths are named without an option, and --help lists those there are.");
            else
                throw new UserErrorException($"there is no file or folder '{path}'; check the path.");
        }
        _description = string.Join(' ', paths);
        Choose(runs, sampleBytes);
        if (PagesFound == 0)
        {
            string unreadable = ItemsSkipped > 0 ? $" ({ItemsSkipped} files or folders in it could not be read)" : string.Empty;
            throw new UserErrorException($"'{_description}' holds no data{unreadable}; name ordinary files that are not empty, or folders with such files.");
        }
    }

    public override string Description => _description;

    public override long PaddingOf(Extent extent) => Math.Max(0, extent.Offset + (long)extent.Pages * PageSize - _files[extent.Item].Length);

    public override int Read(Extent extent, Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(extent.Pages * PageSize)];
        int read = 0;
        try
        {
            using SafeFileHandle handle = File.OpenHandle(_files[extent.Item].Path);
            while (read < wanted.Length)
            {
                int got = RandomAccess.Read(handle, wanted[read..], extent.Offset + read);
                if (got == 0)
                    break;
                read += got;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone or unreadable since it was listed: what was read so far counts.
        }
        int pages = (read + PageSize - 1) / PageSize;
        wanted[read..(pages * PageSize)].Clear();
        return pages;
    }

    private void AddFolder(string folder, List<(int Item, long Offset, long Pages)> runs, CancellationToken cancellation)
    {
        // Walked by hand, because an enumeration that ignores what it may not open cannot count it.
        Stack<DirectoryInfo> folders = new([new DirectoryInfo(folder)]);
        while (folders.TryPop(out DirectoryInfo? next))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                foreach (FileSystemInfo entry in next.EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
                {
                    if (entry.LinkTarget is not null)
                        continue;
                    if (entry is DirectoryInfo below)
                        folders.Push(below);
                    else
                        AddFile((FileInfo)entry, runs);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (next.FullName == new DirectoryInfo(folder).FullName)
                    throw new UserErrorException($"the folder '{folder}' cannot be read ({Reason(e)}); check its permissions.", e);
                ItemsSkipped++;
            }
        }
    }

    private void AddNamedFile(string path, List<(int Item, long Offset, long Pages)> runs)
    {
        int skipped = ItemsSkipped;
        AddFile(new FileInfo(path), runs);
        if (ItemsSkipped > skipped)
            throw new UserErrorException($"the file '{path}' cannot be read ({_reason}); check its permissions.");
    }

    private void AddFile(FileInfo file, List<(int Item, long Offset, long Pages)> runs)
    {
        long length;
        try
        {
            // Devices, pipes and the files of /proc report no length and are passed over unopened: opening a pipe would wait for a writer.
            length = file.Length;
            if (length == 0)
                return;
            File.OpenHandle(file.FullName).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _reason = Reason(e);
            ItemsSkipped++;
            return;
        }
        runs.Add((_files.Count, 0, (length + PageSize - 1) / PageSize));
        _files.Add((file.FullName, length));
    }

    private static string Reason(Exception e) => e is UnauthorizedAccessException ? "permission denied" : e.Message.TrimEnd('.');
}
