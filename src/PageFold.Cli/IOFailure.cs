namespace PageFold.Cli;

/// <summary>Failures of the file system that have a remedy of their own.</summary>
internal static class IOFailure
{
    private const int LongestName = 255;

    // A disk, or the user's share of it. The runtime puts the system's number into HResult.
    private const int ENOSPC = 28;
    private const int EDQUOTOnLinux = 122;
    private const int EDQUOTOnBsd = 69;
    private const int DiskFullOnWindows = unchecked((int)0x80070070);

    /// <summary>True if there is no room on the file system.</summary>
    public static bool IsNoSpace(Exception e) =>
        e is IOException && (OperatingSystem.IsWindows() ? e.HResult == DiskFullOnWindows
            : e.HResult == ENOSPC || e.HResult == (OperatingSystem.IsLinux() ? EDQUOTOnLinux : EDQUOTOnBsd));

    /// <summary>A file has a longer name than the file system takes, with what stands behind the user's name for it.</summary>
    /// <param name="what">The option and its value.</param>
    /// <param name="suffix">What stands behind the name; empty for nothing.</param>
    /// <param name="e">What the system said.</param>
    public static UserErrorException NameTooLong(string what, string suffix, PathTooLongException e)
    {
        string reason = suffix.Length > 0 ? $", so that {suffix} can stand behind it" : string.Empty;
        return new UserErrorException(
            $"{what}: the name is too long; choose one of at most {LongestName - System.Text.Encoding.UTF8.GetByteCount(suffix)} bytes"
                + $"{reason}.", e);
    }
}
