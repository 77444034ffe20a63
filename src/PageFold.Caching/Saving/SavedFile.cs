namespace PageFold.Caching.Saving;

/// <summary>Opens saved caches by name, and nothing else.</summary>
/// <remarks>
/// Pipes, sockets and devices have no length. Opening one may wait for ever, or do something, so what has no length is not opened.
/// </remarks>
internal static class SavedFile
{
    private const int MaxAttempts = 1000;
    private const int LinuxWouldBlock = 11;
    private const int BsdWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x8007_0020);

    /// <summary>What a link leads to, or the path itself, in full.</summary>
    public static string Resolve(string path)
    {
        path = Path.GetFullPath(path);
        return new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
    }

    /// <summary>Opens a file that is to be loaded.</summary>
    /// <exception cref="CacheFileException">It is empty, or has no length at all.</exception>
    /// <exception cref="IOException">There is no such file, it is a folder, or it cannot be read.</exception>
    public static FileStream OpenToLoad(string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
            SaveThrow.NotAFile(path);
        string resolved = Resolve(path);
        // A file that does not exist is for the system to refuse. A link of the system's own to a pipe leads to no file either.
        if (!File.Exists(resolved) && File.Exists(path))
            SaveThrow.NotAFile(path);
        if (File.Exists(resolved) && new FileInfo(resolved).Length == 0)
            SaveThrow.HasNoLength(path);
        FileStream stream = Open(path, FileShare.Read | FileShare.Delete, FileOptions.SequentialScan, cancellationToken);
        if (stream.CanSeek)
            return stream;
        stream.Dispose();
        SaveThrow.NotAFile(path);
        return stream;
    }

    /// <summary>True if a file, which is no link, is what a save has written; nothing else is replaced.</summary>
    public static bool IsSavedCache(string path, CancellationToken cancellationToken)
    {
        if (new FileInfo(path).Length < SaveFormat.Magic.Length)
            return false;
        Span<byte> begin = stackalloc byte[SaveFormat.Magic.Length];
        using FileStream stream = Open(path, FileShare.ReadWrite | FileShare.Delete, FileOptions.None, cancellationToken);
        return stream.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) == begin.Length && begin.SequenceEqual(SaveFormat.Magic);
    }

    /// <summary>Opens a file to be read, and waits a second or so while another has it locked.</summary>
    /// <remarks>
    /// A save that looks for what was left behind may open the partial file of another that has its final name when the lock is taken. It
    /// lets go at once.
    /// </remarks>
    private static FileStream Open(string path, FileShare share, FileOptions options, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, share, bufferSize: 0, options);
            }
            catch (IOException e) when (attempt < MaxAttempts && IsLocked(e))
            {
                Thread.Sleep(1);
            }
        }
    }

    private static bool IsLocked(IOException e) => e.HResult == WindowsSharingViolation
        || !OperatingSystem.IsWindows() && e.HResult is LinuxWouldBlock or BsdWouldBlock;
}
