using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Log;

/// <summary>
/// Exceptions of the writeback file. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class LogThrow
{
    public static void IfWritebackInvalid(WritebackOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Path))
            throw Throw.Invalid(OptionNames.WritebackPath, $"{OptionNames.WritebackPath} is empty; name a file or a block device.");
        if (options.MaxBytes is { } most && (most < WritebackLog.MinFile || most > WritebackOptions.MaxFileBytes))
        {
            throw Throw.OutOfRange(OptionNames.WritebackMaxBytes, most,
                $"{OptionNames.WritebackMaxBytes} is {Throw.Bytes(most)}; choose {Throw.Bytes(WritebackLog.MinFile)} to "
                    + $"{Throw.Bytes(WritebackOptions.MaxFileBytes)}.");
        }
        if (options.DailyBudget is { } budget && budget < 0)
        {
            throw Throw.OutOfRange(OptionNames.WritebackDailyBudget, budget,
                $"{OptionNames.WritebackDailyBudget} is {Throw.Bytes(budget)}; choose zero or more, or null for no such limit.");
        }
        if (options is { DirectReclaim: true, DailyBudget: { } daily })
        {
            throw Throw.Invalid(OptionNames.WritebackDailyBudget,
                $"{OptionNames.WritebackDailyBudget} is {Throw.Bytes(daily)}, and with {OptionNames.WritebackDirectReclaim} writes would "
                    + $"be refused once it is used up; "
                    + $"leave one of them out.");
        }
        if (options is { Preallocate: true, MaxBytes: null })
            throw Throw.Invalid(OptionNames.WritebackMaxBytes,
                $"{OptionNames.WritebackPreallocate} reserves {OptionNames.WritebackMaxBytes}, which is not set; set it.");
    }

    public static PlatformNotSupportedException PreallocationNotHere() =>
        OptionMessage.Create(
            text => new PlatformNotSupportedException(text),
            $"{OptionNames.WritebackPreallocate} needs Linux, whose file systems reserve space on request; leave it out.");

    [DoesNotReturn]
    public static void NoDiskSpaceForWriteback(string path, long bytes, int error) =>
        throw OptionMessage.Create(
            text => new IOException(text),
            $"{OptionNames.WritebackPath} {path}: {Throw.Bytes(bytes)} cannot be reserved there "
                + $"({Marshal.GetPInvokeErrorMessage(error)}); make room on the "
                + $"file system, name a file on another, or leave {OptionNames.WritebackPreallocate} out.");

    public static void IfWritebackTooSmall(long bytes, string path)
    {
        if (bytes < WritebackLog.MinFile)
        {
            throw Throw.Invalid(OptionNames.WritebackPath,
                $"{OptionNames.WritebackPath} {path} has {Throw.Bytes(bytes)}; choose a device of at least "
                    + $"{Throw.Bytes(WritebackLog.MinFile)}.");
        }
    }

    [DoesNotReturn]
    public static void WritebackWouldOverwrite(string path) =>
        throw Throw.Invalid(OptionNames.WritebackPath,
            $"{OptionNames.WritebackPath} {path} holds something else, which would be overwritten; nothing was changed. Name a new file, "
                + $"or one that "
                + $"was used for writeback before, or clear the device's first and last MiB (blkdiscard -z).");

    [DoesNotReturn]
    public static void WritebackNeedsFile(string path) =>
        throw Throw.Invalid(OptionNames.WritebackPath,
            $"{OptionNames.WritebackPath} {path} is neither a file nor a block device; name one.");

    [DoesNotReturn]
    public static void WritebackDeviceInUse(string path, string reason) =>
        throw Throw.Invalid(OptionNames.WritebackPath,
            $"{OptionNames.WritebackPath} {path} cannot be had alone ({reason}); it is mounted or part of something else. Name another "
                + $"device, or "
                + $"free it.");

    public static void IfMadeToFail(bool fails)
    {
        if (fails)
            throw new IOException("Made to fail, for a test.");
    }

    [DoesNotReturn]
    public static void WritebackUnreadable(long page, string path, Exception? cause) => throw new WritebackReadException(page, path, cause);
}
