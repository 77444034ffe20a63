using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PageFold.Cli.Interop;

/// <summary>What comparing with others needs of the system and .NET does not offer: files that bypass the page cache, and a process that starts anew. Linux numbers.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LibC
{
    public const int O_RDWR = 2;
    public const int O_CLOEXEC = 0x80000;

    /// <summary>The number differs between architectures.</summary>
    public static int O_DIRECT => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x10000 : 0x4000;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint pread(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint pwrite(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int close(int descriptor);

    public const int MCL_CURRENT = 1;
    public const int MCL_FUTURE = 2;
    public const int MCL_ONFAULT = 4;

    /// <summary>Keeps this process's memory from being swapped out or dropped.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int mlockall(int flags);

    /// <summary>Starts a program in place of this process. Returns only if that fails.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">The arguments, the program's name among them, each with a zero behind.</param>
    /// <param name="environment">Variables and their values, each with a zero behind.</param>
    public static void Execute(string path, byte[] arguments, byte[] environment)
    {
        fixed (byte* argumentBytes = arguments, environmentBytes = environment)
        {
            fixed (nint* argumentList = Starts(argumentBytes, arguments), environmentList = Starts(environmentBytes, environment))
                _ = execve(path, argumentList, environmentList);
        }
    }

    private static nint[] Starts(byte* first, byte[] texts)
    {
        List<nint> starts = [];
        for (int begin = 0; begin < texts.Length; begin += texts.AsSpan(begin).IndexOf((byte)0) + 1)
            starts.Add((nint)(first + begin));
        return [.. starts, 0];
    }

    /// <summary>Both lists end with null.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int execve(string path, nint* arguments, nint* environment);
}
