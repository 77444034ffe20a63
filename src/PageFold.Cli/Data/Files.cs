using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Data;

/// <summary>File operations of this command on every system: examine before opening, and open without waiting.</summary>
/// <remarks>
/// Only Linux reports the kind and identity of a file and its holes. Elsewhere a file is a folder, a link or an ordinary file. A file that
/// reports no length is then an ordinary file without content, and is not opened.
/// </remarks>
internal static class Files
{
    /// <summary>Reads the status of a path, following a link or not; null if there is nothing, or it cannot be read for a reason.</summary>
    public static FileStatus? Look(FileName name, bool follow, out string reason)
    {
        reason = string.Empty;
        using Interruptible.Region waiting = Interruptible.MayWait();
        if (OperatingSystem.IsLinux())
        {
            FileStatus? status = SystemFiles.Look(name.Bytes, follow);
            if (status is null && !SystemFiles.WasMissing)
                reason = SystemFiles.Reason;
            return status;
        }
        try
        {
            FileAttributes attributes = File.GetAttributes(name.Text);
            if (!follow && attributes.HasFlag(FileAttributes.ReparsePoint))
                return new FileStatus(FileKind.Link, 0, 0, null);
            string path = follow && File.ResolveLinkTarget(name.Text, returnFinalTarget: true) is { } target ? target.FullName : name.Text;
            if (Directory.Exists(path))
                return new FileStatus(FileKind.Folder, 0, 0, null);
            long length = new FileInfo(path).Length;
            return new FileStatus(FileKind.Regular, length, length, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            reason = e is FileNotFoundException or DirectoryNotFoundException ? string.Empty : Reason(e);
            return null;
        }
    }

    /// <summary>Opens a file for reading and reads its status.</summary>
    public static SafeFileHandle? Open(FileName name, out FileStatus status, out string reason)
    {
        status = default;
        reason = string.Empty;
        using Interruptible.Region waiting = Interruptible.MayWait();
        if (OperatingSystem.IsLinux())
            return Known(SystemFiles.Open(name.Bytes), out status, out reason);
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(name.Text, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            long length = RandomAccess.GetLength(file);
            status = new FileStatus(FileKind.Regular, length, length, null);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            file?.Dispose();
            reason = Reason(e);
            return null;
        }
    }

    /// <summary>Duplicates a descriptor of this process and reads its status.</summary>
    public static SafeFileHandle? OpenDescriptor(int descriptor, out FileStatus status, out string reason)
    {
        status = default;
        reason = "only Linux can";
        if (!OperatingSystem.IsLinux())
            return null;
        // If the descriptor was closed, the runtime may use its number for a file of its own.
        reason = "it is not open in this command";
        return Descriptor.IsInherited(descriptor) ? Known(SystemFiles.Duplicate(descriptor), out status, out reason) : null;
    }

    /// <summary>Lists a folder in the order of names; null, with the reason, if it cannot be read.</summary>
    public static List<FileName>? List(FileName folder, out string reason)
    {
        reason = string.Empty;
        using Interruptible.Region waiting = Interruptible.MayWait();
        if (OperatingSystem.IsLinux())
        {
            List<byte[]>? names = SystemFiles.List(folder.Bytes);
            if (names is null)
                reason = SystemFiles.Reason;
            names?.Sort((one, other) => one.AsSpan().SequenceCompareTo(other));
            return names?.ConvertAll(name => folder.Child(name));
        }
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder.Text).Order(StringComparer.Ordinal).Select(FileName.Of)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = Reason(e);
            return null;
        }
    }

    /// <summary>The ranges of a file that hold data, from an offset on; between them are holes.</summary>
    public static IEnumerable<(long Begin, long End)> Data(SafeFileHandle file, FileStatus status, long offset)
    {
        bool mayHaveHoles = OperatingSystem.IsLinux() && status.AllocatedBytes < status.Length;
        while (offset < status.Length)
        {
            long begin = mayHaveHoles && OperatingSystem.IsLinux() ? SystemFiles.NextData(file, offset, status.Length) : offset;
            if (begin >= status.Length)
                yield break;
            offset = mayHaveHoles && OperatingSystem.IsLinux() ? SystemFiles.NextHole(file, begin, status.Length) : status.Length;
            yield return (begin, offset);
        }
    }

    /// <summary>Reads what is available.</summary>
    /// <returns>The bytes read; 0 at the end; null if nothing was available in time; negative, with a reason, on failure.</returns>
    public static int? ReadAvailable(SafeFileHandle stream, Span<byte> buffer, int milliseconds, out string reason)
    {
        reason = string.Empty;
        if (!OperatingSystem.IsLinux())
            return RandomAccess.Read(stream, buffer, 0);
        if (!SystemFiles.WaitForInput(stream, milliseconds))
            return null;
        // Another reader may share the descriptor and take the bytes first.
        using Interruptible.Region waiting = Interruptible.MayWait();
        int? got = SystemFiles.ReadAvailable(stream, buffer);
        if (got < 0)
            reason = SystemFiles.Reason;
        return got;
    }

    private static SafeFileHandle? Known(SafeFileHandle? file, out FileStatus status, out string reason)
    {
        status = default;
        reason = string.Empty;
        if (OperatingSystem.IsLinux() && file is not null && SystemFiles.Look(file) is { } found)
        {
            status = found;
            return file;
        }
        if (OperatingSystem.IsLinux())
            reason = SystemFiles.Reason;
        file?.Dispose();
        return null;
    }

    private static string Reason(Exception e) => e is UnauthorizedAccessException ? "permission denied" : e.Message.TrimEnd('.');
}
