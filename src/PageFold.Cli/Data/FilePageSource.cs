using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;
using PageFold.Shared;

namespace PageFold.Cli.Data;

/// <summary>The content of files, folders with everything below them, block devices, pipes and other streams.</summary>
/// <remarks>
/// A path of the user that is a link is followed. Links inside folders are not, because a folder contributes only ordinary files and
/// folders. A file with several names counts once. A stream is read to its end, or up to the size of the sample, before measuring starts.
/// Holes of sparse files are pages of zeros that are not read, or are left out.
/// </remarks>
internal sealed class FilePageSource : PageSource
{
    // The device that standard input is when there is none. It is empty; other devices may have no end.
    private static readonly Lazy<FileId?> s_nothing = new(() => Files.Look(FileName.Of("/dev/null"), follow: true, out _)?.Id);

    private readonly List<DataItem> _items = [];
    private readonly List<Run> _runs = [];
    private readonly HashSet<FileId> _seen = [];
    private readonly IReadOnlyList<string> _paths;
    private readonly long? _sampleBytes;
    private readonly bool _holes;
    private readonly bool _holdOut;
    private readonly CancellationToken _cancellation;

    /// <param name="paths">Paths of files, folders, devices or pipes, or - for standard input.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="sampleBytes">The approximate size of the sample; null for all data.</param>
    /// <param name="holes">True if holes count as pages of zeros, false if they are left out.</param>
    /// <param name="cancellation">Cancels the search and the reading of streams.</param>
    /// <param name="holdOut">True to leave out the ordinary files on which tables may be trained (<see cref="TrainingSplit"/>).</param>
    public FilePageSource(
        IReadOnlyList<string> paths, int pageSize, long? sampleBytes, bool holes, CancellationToken cancellation, bool holdOut = false)
        : base(pageSize)
    {
        _paths = paths;
        _sampleBytes = sampleBytes;
        _holes = holes;
        _holdOut = holdOut;
        _cancellation = cancellation;
        Description = string.Join(' ', paths.Select(path => path == "-" ? "standard input" : FileName.Of(path).ToString()));
        try
        {
            foreach (string path in paths)
                AddNamed(path);
            Choose(_runs, sampleBytes);
            if (PagesFound == 0 && FilesLeftOut > 0)
            {
                string files = Figures.Count(FilesLeftOut, "file", "files");
                throw new UserErrorException(
                    $"'{Description}' holds only files on which tables may be trained ({files}); name more files, or leave --holdout out.");
            }
            if (PagesFound == 0)
            {
                string what = Skipped.Count > 0 ? $"holds no data ({Skipped.Description})" : "is empty";
                throw Empty(what);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override string Description { get; }

    public override long PaddingOf(Extent extent) => extent.IsHole ? 0
        : Math.Max(0, extent.Offset + (long)extent.Pages * PageSize - _items[extent.Item].Length);

    public override int Read(Extent extent, Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(extent.Pages * PageSize)];
        int read = extent.IsHole ? 0 : _items[extent.Item].Read(wanted, extent.Offset);
        int pages = extent.IsHole ? extent.Pages : (read + PageSize - 1) / PageSize;
        wanted[read..(pages * PageSize)].Clear();
        return pages;
    }

    public override bool Holds(string path)
    {
        if (OperatingSystem.IsLinux())
            return Files.Look(FileName.Of(path), follow: true, out _) is { Id: { } id, Kind: not FileKind.Folder } && _seen.Contains(id);
        return _paths.Select(name => Path.TrimEndingDirectorySeparator(Path.GetFullPath(name)))
            .Any(name => path == name || path.StartsWith(name + Path.DirectorySeparatorChar, StringComparison.Ordinal));
    }

    protected override void Dispose(bool disposing)
    {
        foreach (DataItem item in _items)
            item.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Adds what a path of the user names; its kind is checked before it is opened and again afterwards.</summary>
    private void AddNamed(string path)
    {
        FileName name = FileName.Of(path == "-" ? "/dev/stdin" : path);
        // An inherited descriptor is duplicated. Opening it by name would fail for a socket and start a file from its beginning.
        int descriptor = -1;
        bool handedOver = OperatingSystem.IsLinux() && FileName.IsDescriptor(path, out descriptor);
        FileStatus status = default;
        string reason = string.Empty;
        if (!handedOver)
        {
            status = Files.Look(name, follow: true, out reason) ?? throw Missing(path, name, reason);
            RefuseUnfit(name, status, handedOver);
        }
        SafeFileHandle? file = null;
        try
        {
            if (handedOver)
                file = Files.OpenDescriptor(descriptor, out status, out reason);
            else if (status.Kind != FileKind.Folder)
                file = Files.Open(name, out status, out reason);
            if (file is null && status.Kind != FileKind.Folder)
                throw new UserErrorException($"the file '{name}' cannot be read ({reason}); check its permissions.");
            if (OperatingSystem.IsLinux() && file is not null && SystemFiles.IsTerminal(file))
                throw new UserErrorException($"'{name}' is a terminal; name files or folders, or connect a pipe to standard input.");
            RefuseUnfit(name, status, handedOver);
            if (status.Kind == FileKind.Folder)
                AddFolder(name, status);
            else if ((status.Id is not { } id || _seen.Add(id)) && (handedOver || IsTaken(name, status))
                && AddOpen(name, file!, status, handedOver) is OpenFile)
            {
                file = null;
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    private DataItem? AddOpen(FileName name, SafeFileHandle file, FileStatus status, bool handedOver)
    {
        long length = status.Kind == FileKind.BlockDevice && OperatingSystem.IsLinux() ? SystemFiles.LengthOf(file)
            : status.Kind == FileKind.Regular ? status.Length : 0;
        DataItem item;
        if (length > 0)
        {
            long begin = handedOver && status.Kind == FileKind.Regular && OperatingSystem.IsLinux()
                ? Math.Max(0, SystemFiles.PositionOf(file)) : 0;
            AddRuns(status.Kind == FileKind.Regular ? Files.Data(file, status, begin) : [(0, length)], begin, length);
            item = status.Kind == FileKind.Regular && !handedOver ? new NamedFile(name, status) : new OpenFile(file, length);
        }
        else if (OperatingSystem.IsLinux())
        {
            // An ordinary file without a length may be a file of /proc, whose content is made when it is read.
            item = StreamedBytes.ReadAll(file, $"'{name}'", _sampleBytes, _cancellation);
            AddRuns([(0, item.Length)], 0, item.Length);
        }
        else
        {
            // The kind of file is unknown, and reading might wait without end.
            return null;
        }
        _items.Add(item);
        return item;
    }

    private void AddFolder(FileName folder, FileStatus status)
    {
        // Not by an enumeration: one that ignores inaccessible folders cannot count them.
        Stack<(FileName Name, FileStatus Status)> folders = new([(folder, status)]);
        while (folders.TryPop(out (FileName Name, FileStatus Status) next))
        {
            _cancellation.ThrowIfCancellationRequested();
            // A mount may contain one of its own parent folders.
            if (next.Status.Id is { } id && !_seen.Add(id))
                continue;
            List<FileName>? names = Files.List(next.Name, out string reason);
            if (names is null && next.Name == folder)
                throw new UserErrorException($"the folder '{folder}' cannot be read ({reason}); check its permissions.");
            if (names is null)
                Skipped.Add(next.Name.ToString(), reason);
            foreach (FileName name in names ?? [])
            {
                if (Files.Look(name, follow: false, out reason) is not { } found)
                    Skipped.Add(name.ToString(), reason.Length == 0 ? "gone meanwhile" : reason);
                else if (found.Kind == FileKind.Folder)
                    folders.Push((name, found));
                else if (found is { Kind: FileKind.Regular, Length: > 0 })
                    AddFile(name);
            }
        }
    }

    private void AddFile(FileName name)
    {
        _cancellation.ThrowIfCancellationRequested();
        using SafeFileHandle? file = Files.Open(name, out FileStatus status, out string reason);
        if (file is null)
        {
            Skipped.Add(name.ToString(), reason);
            return;
        }
        // The file may have been replaced by something that a folder does not contribute, or was added under another name.
        if (status is not { Kind: FileKind.Regular, Length: > 0 } || status.Id is { } id && !_seen.Add(id) || !IsTaken(name, status))
            return;
        AddRuns(Files.Data(file, status, 0), 0, status.Length);
        _items.Add(new NamedFile(name, status));
    }

    /// <summary>False if the file is left out because tables may be trained on it.</summary>
    private bool IsTaken(FileName name, FileStatus status)
    {
        if (!_holdOut || status.Kind != FileKind.Regular || TrainingSplit.IsHeldOut(name.Text))
            return true;
        FilesLeftOut++;
        return false;
    }

    /// <summary>Adds the runs of the item that is added next: those with data, and the holes between them.</summary>
    private void AddRuns(IEnumerable<(long Begin, long End)> data, long begin, long length)
    {
        // Page numbers count from the beginning of the item.
        long filled = 0;
        long run = 0;
        foreach ((long from, long to) in data)
        {
            _cancellation.ThrowIfCancellationRequested();
            long first = (from - begin) / PageSize;
            // A hole shorter than an extent is read together with the data around it.
            if (first - filled >= PagesPerExtent)
            {
                Add(run, filled, isHole: false);
                Add(filled, first, isHole: true);
                run = first;
            }
            filled = Math.Max(filled, (to - begin + PageSize - 1) / PageSize);
        }
        long end = (length - begin + PageSize - 1) / PageSize;
        if (end - filled < PagesPerExtent)
            filled = end;
        Add(run, filled, isHole: false);
        Add(filled, end, isHole: true);

        void Add(long firstPage, long endPage, bool isHole)
        {
            if (endPage > firstPage && (_holes || !isHole))
                _runs.Add(new Run(_items.Count, begin + firstPage * PageSize, endPage - firstPage, isHole));
        }
    }

    private UserErrorException Empty(string what) =>
        new($"'{Description}' {what}; name files that are not empty, or folders with such files.");

    private static UserErrorException Missing(string path, FileName name, string reason)
    {
        if (path.StartsWith('-'))
            return new UserErrorException(
                $"there is no option '{name}', nor a file or folder of that name; paths are named without an option, and --help lists "
                + "those there are.");
        if (Files.Look(name, follow: false, out _) is { Kind: FileKind.Link })
        {
            string target = new FileInfo(name.Text).LinkTarget is { } known ? $"'{PrintableText.Of(known)}'" : "something";
            return new UserErrorException(
                $"'{name}' is a link to {target}, which {(reason.Length == 0 ? "is not there" : $"cannot be reached ({reason})")}; "
                + "name a file or folder that is there.");
        }
        return reason.Length == 0
            ? new UserErrorException($"there is no file or folder '{name}'; check the path.")
            : new UserErrorException($"'{name}' cannot be read ({reason}); check the path and its permissions.");
    }

    private void RefuseUnfit(FileName name, FileStatus status, bool handedOver)
    {
        if (status.Kind == FileKind.Socket && !handedOver)
            throw new UserErrorException(
                $"'{name}' is a socket, which has no content to measure; name files, folders, pipes or block devices.");
        if (status.Kind == FileKind.CharacterDevice && status.Id is { } id && id == s_nothing.Value)
            throw Empty("is empty");
        if (status.Kind == FileKind.CharacterDevice && _sampleBytes is null)
            throw new UserErrorException($"'{name}' is a device that need not have an end; choose how much of it to read with --sample.");
    }
}
