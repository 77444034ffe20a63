using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Frames;

/// <summary>
/// Exceptions of frames, their source and the memory limit. Each is named by its cause; a message names the option or argument, the value
/// and the remedy.
/// </summary>
[StackTraceHidden]
internal static class FrameThrow
{
    public static void IfFrameSizeInvalid(int size, string option) => IfSizeInvalid(size, option);

    public static void IfPageSizeInvalid(int size, string option) => IfSizeInvalid(size, option);

    [DoesNotReturn]
    public static void PrefaultFailed(long bytes, long limit) =>
        throw OptionMessage.Create(
            text => new InsufficientMemoryException(text),
            $"There is no memory for {Throw.Bytes(bytes)} of {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}), which Prefault takes; "
                + $"lower it, or do not call it.");

    public static PlatformNotSupportedException PrefaultNotHere() =>
        new("Prefault needs Linux and frames of whole memory pages (FrameBackingKind.Anonymous or SharedMemory); do not call it.");

    [DoesNotReturn]
    public static void LimitNotPositive(long limit) =>
        throw Throw.OutOfRange(OptionNames.MemoryLimit, limit,
            $"{OptionNames.MemoryLimit} is {Throw.Bytes(limit)}; choose more than zero, or null for the default.");

    [DoesNotReturn]
    public static void LimitAboveContainer(long limit, long container, long reserve) =>
        throw Throw.OutOfRange(OptionNames.MemoryLimit, limit,
            $"{OptionNames.MemoryLimit} is {Throw.Bytes(limit)} but the container allows {Throw.Bytes(container)}, of which the runtime "
                + $"needs "
                + $"{Throw.Bytes(reserve)}; choose at most {Throw.Bytes(container - reserve)}, or raise the container's limit.");

    [DoesNotReturn]
    public static void LimitTooSmall(long limit, string what, int needed) =>
        throw Throw.OutOfRange(OptionNames.MemoryLimit, limit,
            $"{OptionNames.MemoryLimit} is {Throw.Bytes(limit)}, too small for a single {what} of {Throw.Bytes(needed)} and its tables; "
                + $"raise it.");

    [DoesNotReturn]
    public static void LimitReached(long limit, int size) =>
        throw Throw.NoMemory(
            $"No memory for {size} more bytes within {OptionNames.MemoryLimit} ({Throw.Bytes(limit)}); free something, compact, or raise "
                + $"the limit.");

    [DoesNotReturn]
    public static void ReservationFailed(long bytes, string reason) =>
        throw OptionMessage.Create(
            text => new InsufficientMemoryException(text),
            $"The system refuses to reserve {Throw.Bytes(bytes)} of address space ({reason}); lower {OptionNames.MemoryLimit} or raise "
                + $"the process's limit "
                + $"(ulimit -v).");

    [DoesNotReturn]
    public static void UnknownBacking(FrameBackingKind kind) =>
        throw new ArgumentOutOfRangeException("Backing", kind,
            $"Backing {kind} does not exist; choose Default, Anonymous, SharedMemory or Portable.");

    public static PlatformNotSupportedException BackingNotHere(FrameBackingKind kind) =>
        new($"Backing {kind} needs 64-bit Linux, where single frames can be mapped and given back; choose Default or Portable.");

    [DoesNotReturn]
    public static void FrameSmallerThanPage(int frameSize) =>
        throw new PlatformNotSupportedException(
            $"FrameSize {frameSize} is not a multiple of this system's page size ({Environment.SystemPageSize}), so single frames cannot "
                + $"be given back; choose a larger FrameSize or Backing Portable.");

    [DoesNotReturn]
    public static void FrameNotInUse(uint frame) =>
        throw new ArgumentException($"Frame {frame} is not in use: it was never handed out, or was freed before.", nameof(frame));

    private static void IfSizeInvalid(int size, string option)
    {
        if (size is < FrameArena.MinFrameSize or > FrameArena.MaxFrameSize || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException(option, size, $"{option} is {size}; choose 4096, 8192, 16384, 32768 or 65536 bytes.");
    }
}
