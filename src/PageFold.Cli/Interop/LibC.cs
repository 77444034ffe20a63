using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PageFold.Cli.Interop;

/// <summary>System calls that the command needs and .NET does not offer.</summary>
/// <remarks>The numbers are those of Linux.</remarks>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LibC
{
    public const int O_RDWR = 2;
    public const int O_CLOEXEC = 0x80000;

    /// <summary>The flag, whose number depends on the architecture.</summary>
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

    /// <summary>The processor time that the calling thread has used, in nanoseconds.</summary>
    public static long ThreadNanoseconds()
    {
        const int ThreadTime = 3;
        const long Second = 1_000_000_000;
        Timespec time;
        return clock_gettime(ThreadTime, &time) == 0
            ? time.Seconds * Second + time.Nanoseconds
            : throw new InvalidOperationException($"The thread's clock cannot be read ({Marshal.GetLastPInvokeErrorMessage()}).");
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int clock_gettime(int clock, Timespec* time);

    /// <summary>A time of 64-bit systems.</summary>
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    public const int MCL_CURRENT = 1;
    public const int MCL_FUTURE = 2;
    public const int MCL_ONFAULT = 4;

    public const int PR_SET_IO_FLUSHER = 57;
    public const int PR_GET_IO_FLUSHER = 58;

    /// <summary>Sets or reads an attribute of the calling thread in the kernel.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    /// <summary>Locks this process's memory, so that it is neither swapped out nor dropped.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int mlockall(int flags);

    /// <summary>Replaces this process by a program; returns only on failure.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">The arguments, starting with the program's name, each with a final zero.</param>
    /// <param name="environment">Variables and their values, each with a final zero.</param>
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

    /// <summary>Replaces this process; both lists end with null.</summary>
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int execve(string path, nint* arguments, nint* environment);
}
