using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using PageFold.Shared;

namespace PageFold.Cli.Data;

/// <summary>The resident pages of a running process's readable private memory.</summary>
/// <remarks>
/// In /proc, maps has the ranges, pagemap says which pages are resident, and mem has their content. The process continues meanwhile: pages
/// that change are read as they are, and pages that vanish are skipped.
/// </remarks>
internal sealed class ProcessPageSource : PageSource
{
    private const ulong Present = 1UL << 63;

    private readonly SafeFileHandle _memory;
    private readonly string _description;

    public ProcessPageSource(int pid, int pageSize, long? sampleBytes)
        : base(pageSize)
    {
        if (!OperatingSystem.IsLinux())
            throw new UserErrorException("--pid reads /proc and needs Linux; name files or folders instead.");
        if (!Directory.Exists($"/proc/{pid}"))
            throw new UserErrorException($"there is no process {pid}; check --pid.");
        try
        {
            _description = $"process {pid} ({PrintableText.Of(File.ReadAllText($"/proc/{pid}/comm").Trim())})";
            _memory = File.OpenHandle($"/proc/{pid}/mem");
            Choose(FindRuns(pid), sampleBytes);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException(
                $"the memory of process {pid} cannot be read (permission denied); run as its user or as root, and in a container with "
                    + "CAP_SYS_PTRACE.", e);
        }
        catch (IOException e)
        {
            throw new UserErrorException(
                $"the memory of process {pid} cannot be read any more; check that it still runs and is not a thread of the kernel.", e);
        }
        if (PagesFound == 0)
            throw new UserErrorException($"{_description} has no private memory that is present; choose a process of user space.");
    }

    public override string Description => _description;

    public override int Read(Extent extent, Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(extent.Pages * PageSize)];
        int read = 0;
        // A page of a file system in user space, or of userfaultfd, may wait for another process.
        using Interruptible.Region waiting = Interruptible.MayWait();
        try
        {
            while (read < wanted.Length)
            {
                int got = RandomAccess.Read(_memory, wanted[read..], extent.Offset + read);
                if (got == 0)
                    break;
                read += got;
            }
        }
        catch (IOException)
        {
            // The memory was unmapped meanwhile, or the process has ended.
        }
        return read / PageSize;
    }

    protected override void Dispose(bool disposing)
    {
        _memory?.Dispose();
        base.Dispose(disposing);
    }

    private List<Run> FindRuns(int pid)
    {
        List<Run> runs = [];
        using SafeFileHandle pagemap = File.OpenHandle($"/proc/{pid}/pagemap");
        foreach (string line in File.ReadLines($"/proc/{pid}/maps"))
        {
            // 7f1c4e600000-7f1c4e628000 r--p 00000000 fe:00 1234  /usr/lib/libc.so.6
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] range = fields[0].Split('-');
            bool special = fields.Length > 5 && fields[5] is "[vvar]" or "[vvar_vclock]" or "[vsyscall]" or "[vdso]";
            if (special || fields[1][0] != 'r' || fields[1][3] != 'p')
                continue;
            long begin = long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            long end = long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            AddPresent(pagemap, begin, end, runs);
        }
        return runs;
    }

    /// <summary>Adds the runs of pages of which every page of the operating system is resident.</summary>
    private void AddPresent(SafeFileHandle pagemap, long begin, long end, List<Run> runs)
    {
        int systemPage = Environment.SystemPageSize;
        int perPage = Math.Max(1, PageSize / systemPage);
        byte[] entries = new byte[4096 / perPage * perPage * sizeof(ulong)];
        long address = (begin + PageSize - 1) / PageSize * PageSize;
        while (address + PageSize <= end)
        {
            int pages = (int)Math.Min(entries.Length / sizeof(ulong) / perPage, (end - address) / PageSize);
            int wanted = pages * perPage * sizeof(ulong);
            if (RandomAccess.Read(pagemap, entries.AsSpan(0, wanted), address / systemPage * sizeof(ulong)) != wanted)
                return;
            for (int page = 0; page < pages; page++, address += PageSize)
            {
                if (!IsPresent(entries.AsSpan(page * perPage * sizeof(ulong), perPage * sizeof(ulong))))
                    continue;
                if (runs.Count > 0 && runs[^1].Offset + runs[^1].Pages * PageSize == address)
                    runs[^1] = runs[^1] with { Pages = runs[^1].Pages + 1 };
                else
                    runs.Add(new Run(0, address, 1, IsHole: false));
            }
        }
    }

    private static bool IsPresent(ReadOnlySpan<byte> entries)
    {
        for (int offset = 0; offset < entries.Length; offset += sizeof(ulong))
        {
            if ((BinaryPrimitives.ReadUInt64LittleEndian(entries[offset..]) & Present) == 0)
                return false;
        }
        return true;
    }
}
