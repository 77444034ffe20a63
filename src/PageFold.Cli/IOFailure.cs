namespace PageFold.Cli;

/// <summary>Failures of the file system that have a specific remedy.</summary>
internal static class IOFailure
{
    private const int MaxNameLength = 255;

    // The disk or the user's quota is full. The runtime puts the system's number into HResult.
    private const int ENOSPC = 28;
    private const int EDQUOTOnLinux = 122;
    private const int EDQUOTOnBsd = 69;
    private const int DiskFullOnWindows = unchecked((int)0x80070070);

    /// <summary>True if the file system has no room.</summary>
    public static bool IsNoSpace(Exception e) =>
        e is IOException && (OperatingSystem.IsWindows() ? e.HResult == DiskFullOnWindows
            : e.HResult == ENOSPC || e.HResult == (OperatingSystem.IsLinux() ? EDQUOTOnLinux : EDQUOTOnBsd));

    /// <summary>Makes the error for a file name that is too long for the file system.</summary>
    /// <param name="what">The option and its value.</param>
    /// <param name="suffix">The suffix that is appended to the name; empty for none.</param>
    /// <param name="e">The system's error.</param>
    public static UserErrorException NameTooLong(string what, string suffix, PathTooLongException e)
    {
        string reason = suffix.Length > 0 ? $", so that {suffix} can be appended" : string.Empty;
        return new UserErrorException(
            $"{what}: the name is too long; choose one of at most {MaxNameLength - System.Text.Encoding.UTF8.GetByteCount(suffix)} bytes"
                + $"{reason}.", e);
    }
}
