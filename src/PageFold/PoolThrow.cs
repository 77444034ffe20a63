using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using PageFold.Frames;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold;

/// <summary>
/// Exceptions of pools, their handles and mappings. Each is named by its cause; a message names the option or argument, the value and the
/// remedy.
/// </summary>
[StackTraceHidden]
internal static class PoolThrow
{
    public static void IfObjectSizeInvalid(int size, int largest, string argument)
    {
        if (size < 1 || size > largest)
            ObjectSizeInvalid(size, largest, argument);
    }

    public static void IfRangeOutsideObject(int offset, int length, int size)
    {
        if (offset < 0 || length > size - offset)
            RangeOutsideObject(offset, length, size);
    }

    public static void IfLimitInvalid(long? limit, long? most)
    {
        if (limit <= 0)
            FrameThrow.LimitNotPositive(limit.Value);
        if (limit > most)
            throw Throw.OutOfRange(OptionNames.MemoryLimit, limit,
                $"{OptionNames.MemoryLimit} is {Throw.Bytes(limit.Value)}, more than MaxMemoryLimit ({Throw.Bytes(most.Value)}); lower it, "
                    + $"or make the heap with a higher maximum.");
    }

    public static void IfMapModeInvalid(MapMode mode)
    {
        if (mode is not (MapMode.ReadWrite or MapMode.Write))
            throw new ArgumentOutOfRangeException(nameof(mode), mode, $"MapMode {mode} does not exist; choose ReadWrite or Write.");
    }

    public static void IfWindowsImpossible(MappingKind mapping, FrameBackingKind backing, int frameSize)
    {
        if (mapping != MappingKind.Window)
            throw new ArgumentOutOfRangeException("Mapping", mapping, $"Mapping is {mapping}; choose Copy or Window.");
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            throw new PlatformNotSupportedException(
                "Mapping Window needs 64-bit Linux, where two virtual pages can be pointed at any two frames; choose Copy.");
        if (frameSize != Environment.SystemPageSize)
            throw new PlatformNotSupportedException(
                $"Mapping Window needs frames of the system's page size, {Environment.SystemPageSize} bytes, and FrameSize is "
                + $"{frameSize}; choose that, or Mapping Copy.");
        if (backing is not (FrameBackingKind.Default or FrameBackingKind.SharedMemory))
            throw new ArgumentException(
                $"Mapping Window needs a memory file behind the frames, and Backing is {backing}; choose SharedMemory or Default.",
                "Backing");
    }

    [DoesNotReturn]
    public static void ForeignHandle(ZsHandle handle) =>
        throw new InvalidHandleException(handle.IsNull
            ? "The handle is null: it was never allocated; use one that Allocate returned."
            : $"Handle {handle} does not belong to this pool; use it with the pool that allocated it.");

    [DoesNotReturn]
    public static void StaleHandle(ZsHandle handle) =>
        throw new InvalidHandleException(
            $"Handle {handle} is stale: its object was freed, or its pool disposed. Keep no handle after that.");

    [DoesNotReturn]
    public static void ObjectIsMapped(ZsHandle handle) =>
        throw new ObjectMappedException($"The object of handle {handle} is mapped; dispose its mappings before Free.");

    [DoesNotReturn]
    public static void TooManyMaps(ZsHandle handle, int most) =>
        throw new InvalidOperationException(
            $"The object of handle {handle} is mapped {most} times, as often as it can be at once; dispose some of its mappings.");

    [DoesNotReturn]
    public static void RangeOutsideObject(int offset, int length, int size) =>
        throw new ArgumentOutOfRangeException(nameof(offset), offset,
            $"Bytes {offset} to {(long)offset + length} are not within the object's {size}.");

    [DoesNotReturn]
    private static void ObjectSizeInvalid(int size, int largest, string argument)
    {
        string remedy = size > largest && largest < ZsPool.MaxFrameSize ? "split it, or choose a larger FrameSize"
            : size > largest ? "split it"
            : "choose at least one byte";
        throw new ArgumentOutOfRangeException(argument, size, $"An object has 1 to {largest} bytes, not {size}; {remedy}.");
    }
}
