using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using PageFold.Frames;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold;

/// <summary>
/// Exceptions of a store's options and conditions. Each is named by its cause; a message names the option or argument, the value and the
/// remedy.
/// </summary>
[StackTraceHidden]
internal static class StoreThrow
{
    public static void IfFrameSmallerThanPage(int frameSize, int pageSize)
    {
        if (frameSize < pageSize)
        {
            List<int> possible = [];
            for (int size = pageSize; size < FrameArena.MaxFrameSize; size *= 2)
                possible.Add(size);
            string choice = possible.Count > 0 ? $"{string.Join(", ", possible)} or {FrameArena.MaxFrameSize}"
                : $"{FrameArena.MaxFrameSize}";
            throw new ArgumentOutOfRangeException("FrameSize", frameSize,
                $"FrameSize is {frameSize}, smaller than PageSize ({pageSize}); choose {choice} bytes, or null for the page's size.");
        }
    }

    public static void IfRefusalPolicyInvalid(RefusalPolicy refusal)
    {
        if (refusal is not (RefusalPolicy.Keep or RefusalPolicy.Invalidate))
            throw new ArgumentOutOfRangeException(nameof(refusal), refusal,
                $"RefusalPolicy {refusal} does not exist; choose Keep or Invalidate.");
    }

    public static void IfTimeProviderMissing([NotNull] TimeProvider? provider)
    {
        if (provider is null)
            throw new ArgumentException("TimeProvider is null; choose TimeProvider.System, or a clock of your own.", "TimeProvider");
    }

    public static void IfAgesUnknown(TimeSpan? minAge, bool tracked)
    {
        if (minAge is { } age && !tracked)
            throw new InvalidOperationException(
                $"MinAge is {age} but the store does not track access; make it with PageStoreOptions.TrackAccess, or leave MinAge null.");
    }

    public static void IfNoWriteback(bool has)
    {
        if (!has)
            throw new InvalidOperationException("The store has no writeback file; make it with PageStoreOptions.Writeback.");
    }

    public static void IfOverwriteReserveInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes > limit / 2)
        {
            throw Throw.OutOfRange(OptionNames.OverwriteReserve, bytes,
                $"{OptionNames.OverwriteReserve} is {Throw.Bytes(bytes)}; choose zero to half of {OptionNames.MemoryLimit} "
                    + $"({Throw.Bytes(limit / 2)}).");
        }
    }

    public static void IfSnapshotReserveInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes > limit / 2)
        {
            throw Throw.OutOfRange(OptionNames.SnapshotReserve, bytes,
                $"{OptionNames.SnapshotReserve} is {Throw.Bytes(bytes)}; choose zero to half of {OptionNames.MemoryLimit} "
                    + $"({Throw.Bytes(limit / 2)}).");
        }
    }

    public static void IfThresholdInvalid(int? threshold, int pageSize)
    {
        if (threshold is { } bytes && (bytes < 1 || bytes > pageSize))
            throw new ArgumentOutOfRangeException("IncompressibleAbove", bytes,
                $"IncompressibleAbove is {bytes}; choose 1 to PageSize ({pageSize}) bytes.");
    }

    public static void IfOwnerBytesNegative(long bytes)
    {
        if (bytes < 0)
            throw new ArgumentOutOfRangeException("OwnerBytes", bytes, $"OwnerBytes is {bytes}; choose zero or more.");
    }

    [DoesNotReturn]
    public static void OwnerBytesAboveLimit(long bytes, long limit) =>
        throw Throw.OutOfRange(OptionNames.OwnerBytes, bytes,
            $"{OptionNames.OwnerBytes} is {Throw.Bytes(bytes)}, and {OptionNames.MemoryLimit} is {Throw.Bytes(limit)}; lower "
                + $"{OptionNames.OwnerBytes}, or raise the limit.");
}
