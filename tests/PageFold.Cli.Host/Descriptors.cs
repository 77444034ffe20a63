using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PageFold.Cli.Host;

/// <summary>Redirects descriptors 0 to 2 of this process. Linux.</summary>
internal static partial class Descriptors
{
    private const int F_DUPFD_CLOEXEC = 1030;

    // Away from the numbers that commands and their tests use.
    private const int FirstOwn = 500;

    // The end of a pipe that has no other end: no descriptor is closed, and nothing is read or written.
    private static readonly int s_nothing = Nothing();

    /// <summary>Opens what a descriptor refers to under another number.</summary>
    public static FileStream TakeAway(int descriptor, FileAccess access) =>
        new(new SafeFileHandle(Checked(fcntl(descriptor, F_DUPFD_CLOEXEC, FirstOwn)), ownsHandle: true), access);

    /// <summary>Closes what a descriptor refers to, and leaves the number occupied.</summary>
    public static void Close(int descriptor) => Checked(dup2(s_nothing, descriptor));

    /// <summary>Makes a descriptor the end of a pipe to write to, and passes on what is written until the descriptor is closed.</summary>
    public static Task Attach(int descriptor, Action<int, ReadOnlySpan<byte>> pass)
    {
        AnonymousPipeServerStream pipe = new(PipeDirection.In);
        Checked(dup2((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), descriptor));
        pipe.DisposeLocalCopyOfClientHandle();
        return Task.Factory.StartNew(PassOn, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        void PassOn()
        {
            using (pipe)
            {
                byte[] buffer = new byte[1 << 16];
                for (int read; (read = pipe.Read(buffer)) > 0;)
                    pass(descriptor, buffer.AsSpan(0, read));
            }
        }
    }

    private static int Nothing()
    {
        using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
        return Checked(fcntl((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), F_DUPFD_CLOEXEC, FirstOwn));
    }

    private static int Checked(int result) => result >= 0 ? result
        : throw new IOException($"a descriptor cannot be redirected: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int dup2(int from, int to);
}
