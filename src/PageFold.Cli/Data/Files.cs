using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Data;

/// <summary>Files as this command meets them, on every system: looked at before they are opened, and opened without waiting.</summary>
/// <remarks>
/// Only Linux tells what a file is, which one it is and where its holes are. Elsewhere a file is a folder, a link or an ordinary file, and
/// what reports no length is an ordinary file without content, which is not opened.
/// </remarks>
internal static class Files
{
    /// <summary>
    /// What a name leads to, or the link itself; null if there is nothing, or else with the reason why it cannot be looked at.
    /// </summary>
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

    /// <summary>Opens a file to read, and says what was opened.</summary>
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

    /// <summary>A descriptor of this process as a file of its own, and what it is.</summary>
    public static SafeFileHandle? OpenDescriptor(int descriptor, out FileStatus status, out string reason)
    {
        status = default;
        reason = "only Linux can";
        if (!OperatingSystem.IsLinux())
            return null;
        // The number of one that was closed may belong to the runtime by now.
        reason = "it is not open in this command";
        return Descriptor.IsInherited(descriptor) ? Known(SystemFiles.Duplicate(descriptor), out status, out reason) : null;
    }

    /// <summary>What is in a folder, by name; null if it cannot be read, and why.</summary>
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

    /// <summary>Stretches of a file that hold data, from an offset on; between them are holes.</summary>
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

    /// <summary>
    /// Reads what is there: bytes read, 0 at the end, null if there was nothing in that time, negative if it cannot be read.
    /// </summary>
    public static int? ReadAvailable(SafeFileHandle stream, Span<byte> buffer, int milliseconds, out string reason)
    {
        reason = string.Empty;
        if (!OperatingSystem.IsLinux())
            return RandomAccess.Read(stream, buffer, 0);
        if (!SystemFiles.WaitForInput(stream, milliseconds))
            return null;
        // A descriptor that was handed over may be shared with another reader, who may be faster.
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
