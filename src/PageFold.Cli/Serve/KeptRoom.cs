using PageFold.Interop;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

/// <summary>
/// Warns while the file systems of <c>--keep</c> have less room than saving the disks at the end takes: what cannot be saved then is lost.
/// Told once, until there was room in between. Not thread-safe.
/// </summary>
/// <param name="tell">Gets the line of a warning.</param>
/// <param name="roomOf">Free bytes of the file system in which a file lies; null where that cannot be known.</param>
internal sealed class KeptRoom(Action<string> tell, Func<string, long?> roomOf)
{
    // What stands beside a page's bytes in a snapshot, generously.
    private const int RecordBytes = 16;

    private readonly HashSet<string> _told = [];

    /// <summary>Looks at one disk.</summary>
    /// <param name="export">The disk.</param>
    /// <param name="path">The file that it is saved to.</param>
    public void Look(NbdExport export, string path)
    {
        PageStoreStatistics statistics = export.Disk.Store.GetStatistics();
        // The file that is there is replaced only once the new one is whole.
        long needed = statistics.CompressedBytes + statistics.WrittenBackBytes + (statistics.Pages * RecordBytes);
        if (roomOf(path) is not { } room || room >= needed)
            _told.Remove(path);
        else if (_told.Add(path))
            tell(
                $"--keep {path}: its file system has {ByteSize.Format(room)} free, and to save the disk takes about "
                + $"{ByteSize.Format(needed)} now; make room before the server ends, or save it elsewhere with pagefold snapshot");
    }

    /// <summary>Free bytes of the file system in which a file lies; null where that cannot be known.</summary>
    public static long? RoomAt(string path)
    {
        try
        {
            return new DriveInfo(Path.GetDirectoryName(ResolvedFile.Of(path))!).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
