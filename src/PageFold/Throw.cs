using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using PageFold.Frames;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold;

/// <summary>Every exception of the library, each named by its cause; a message names the option or argument, its value and the remedy.</summary>
[StackTraceHidden]
internal static partial class Throw
{
    public static void IfFrameSizeInvalid(int size, string option) => IfSizeInvalid(size, option);

    public static void IfPageSizeInvalid(int size, string option) => IfSizeInvalid(size, option);

    public static void IfChainInvalid(int chain, string option)
    {
        if (chain is < 1 or > Allocation.SizeClasses.DefaultMaxChain)
            throw new ArgumentOutOfRangeException(option, chain, $"{option} is {chain}; choose 1 to {Allocation.SizeClasses.DefaultMaxChain} frames.");
    }

    public static void IfObjectSizeInvalid(int size, int largest)
    {
        if (size < 1 || size > largest)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"An object has 1 to {largest} bytes, not {size}; split it, or choose a larger FrameSize.");
    }

    public static void IfMapModeInvalid(MapMode mode)
    {
        if (mode is not (MapMode.ReadWrite or MapMode.Write))
            throw new ArgumentOutOfRangeException(nameof(mode), mode, $"MapMode {mode} does not exist; choose ReadWrite or Write.");
    }

    public static void IfDisposed(bool disposed, object instance) => ObjectDisposedException.ThrowIf(disposed, instance);

    public static void IfPageOutOfRange(long page, string argument)
    {
        if (page is < 0 or > PageStore.MaxPage)
            throw new ArgumentOutOfRangeException(argument, page, $"Pages are numbered 0 to {PageStore.MaxPage}, not {page}.");
    }

    public static void IfPageLengthWrong(int length, int pageSize, string argument)
    {
        if (length != pageSize)
            throw new ArgumentException($"{argument} has {length} bytes; a page of this store has {pageSize}.", argument);
    }

    public static void IfCountOutOfRange(long first, long count)
    {
        if (count < 0 || count > PageStore.MaxPage + 1 - first)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"{count} pages from page {first} on are not within 0 to {PageStore.MaxPage}.");
    }

    public static void IfFrameSmallerThanPage(int frameSize, int pageSize)
    {
        if (frameSize < pageSize)
            throw new ArgumentOutOfRangeException("FrameSize", frameSize, $"FrameSize is {frameSize}, smaller than PageSize ({pageSize}); choose a frame that holds an incompressible page.");
    }

    public static void IfCodecMissing([NotNull] PageCodec? codec)
    {
        if (codec is null)
            throw new ArgumentException("Codec is null; choose PageCodec.Lz4, PageCodec.Zstd(level) or PageCodec.None.", "Codec");
    }

    public static void IfTimeProviderMissing([NotNull] TimeProvider? provider)
    {
        if (provider is null)
            throw new ArgumentException("TimeProvider is null; choose TimeProvider.System, or a clock of your own.", "TimeProvider");
    }

    public static void IfAgesUnknown(TimeSpan? minAge, bool tracked)
    {
        if (minAge is { } age && !tracked)
            throw new InvalidOperationException($"MinAge is {age} but the store does not track access; make it with TrackAccess, or leave MinAge null.");
    }

    public static void IfNegative(long value, string option)
    {
        if (value < 0)
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; choose zero or more.");
    }

    public static void IfNoWriteback(bool has)
    {
        if (!has)
            throw new InvalidOperationException("The store has no writeback file; make it with Writeback.");
    }

    public static void IfWritebackInvalid(WritebackOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Path))
            throw Invalid(WritebackPath, $"{WritebackPath} is empty; name a file or a block device.");
        if (options.MaxBytes is { } most && (most < Store.Log.WritebackLog.SmallestFile || most > WritebackOptions.MaxFileBytes))
        {
            throw OutOfRange(WritebackMaxBytes, most,
                $"{WritebackMaxBytes} is {Bytes(most)}; choose {Bytes(Store.Log.WritebackLog.SmallestFile)} to "
                    + $"{Bytes(WritebackOptions.MaxFileBytes)}.");
        }
        IfNegative(options.DailyBudget ?? 0, "DailyBudget");
        if (options is { DirectReclaim: true, DailyBudget: { } daily })
        {
            throw Invalid(WritebackDailyBudget,
                $"{WritebackDailyBudget} is {Bytes(daily)}, and with {WritebackDirectReclaim} writes would be refused once it is used up; "
                    + $"leave one of them out.");
        }
        if (options is { Preallocate: true, MaxBytes: null })
            throw Invalid(WritebackMaxBytes, $"{WritebackPreallocate} reserves {WritebackMaxBytes}, which is not set; set it.");
    }

    [DoesNotReturn]
    public static void PrefaultFailed(long bytes, long limit) =>
        throw OptionMessage.Create(
            text => new InsufficientMemoryException(text),
            $"There is no memory for {Bytes(bytes)} of {MemoryLimit} ({Bytes(limit)}), which Prefault takes; lower it, or do not call it.");

    public static PlatformNotSupportedException PrefaultNotHere() =>
        new("Prefault needs Linux and frames of whole memory pages (FrameBackingKind.Anonymous or SharedMemory); do not call it.");

    public static PlatformNotSupportedException PreallocationNotHere() =>
        OptionMessage.Create(
            text => new PlatformNotSupportedException(text),
            $"{WritebackPreallocate} needs Linux, whose file systems reserve space on request; leave it out.");

    public static void IfOverwriteReserveInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes > limit / 2)
        {
            throw OutOfRange(OverwriteReserve, bytes,
                $"{OverwriteReserve} is {bytes} bytes; choose zero to half of {MemoryLimit} ({Bytes(limit / 2)}).");
        }
    }

    public static void IfSnapshotReserveInvalid(long bytes, long limit)
    {
        if (bytes < 0 || bytes > limit / 2)
        {
            throw OutOfRange(SnapshotReserve, bytes,
                $"{SnapshotReserve} is {Bytes(bytes)}; choose zero to half of {MemoryLimit} ({Bytes(limit / 2)}).");
        }
    }

    [DoesNotReturn]
    public static void NoDiskSpaceForWriteback(string path, long bytes, int error) =>
        throw OptionMessage.Create(
            text => new IOException(text),
            $"{WritebackPath} {path}: {Bytes(bytes)} cannot be reserved there ({Marshal.GetPInvokeErrorMessage(error)}); make room on the "
                + $"file system, name a file on another, or leave {WritebackPreallocate} out.");

    public static void IfWritebackTooSmall(long bytes, string path)
    {
        if (bytes < Store.Log.WritebackLog.SmallestFile)
        {
            throw Invalid(WritebackPath,
                $"{WritebackPath} {path} has {Bytes(bytes)}; choose a device of at least {Bytes(Store.Log.WritebackLog.SmallestFile)}.");
        }
    }

    [DoesNotReturn]
    public static void WritebackWouldOverwrite(string path) =>
        throw Invalid(WritebackPath,
            $"{WritebackPath} {path} holds something else, which would be overwritten; nothing was changed. Name a new file, or one that "
                + $"was used for writeback before, or clear the device's first and last MiB (blkdiscard -z).");

    [DoesNotReturn]
    public static void WritebackNeedsFile(string path) =>
        throw Invalid(WritebackPath, $"{WritebackPath} {path} is neither a file nor a block device; name one.");

    [DoesNotReturn]
    public static void WritebackDeviceInUse(string path, string reason) =>
        throw Invalid(WritebackPath,
            $"{WritebackPath} {path} cannot be had alone ({reason}); it is mounted or part of something else. Name another device, or "
                + $"free it.");

    public static void IfMadeToFail(bool fails)
    {
        if (fails)
            throw new IOException("Made to fail, for a test.");
    }

    [DoesNotReturn]
    public static void WritebackUnreadable(long page, string path, Exception? cause) => throw new WritebackReadException(page, path, cause);

    public static void IfThresholdInvalid(int? threshold, int pageSize)
    {
        if (threshold is { } bytes && (bytes < 1 || bytes > pageSize))
            throw new ArgumentOutOfRangeException("IncompressibleAbove", bytes, $"IncompressibleAbove is {bytes}; choose 1 to PageSize ({pageSize}) bytes.");
    }

    public static void IfOwnerBytesNegative(long bytes)
    {
        if (bytes < 0)
            throw new ArgumentOutOfRangeException("OwnerBytes", bytes, $"OwnerBytes is {bytes}; choose zero or more.");
    }

    [DoesNotReturn]
    public static void OwnerBytesAboveLimit(long bytes, long limit) =>
        throw OutOfRange(OwnerBytes, bytes,
            $"{OwnerBytes} is {Bytes(bytes)}, and {MemoryLimit} is {Bytes(limit)}; lower {OwnerBytes}, or raise the limit.");

    /// <summary>A part of what a codec takes, which alone is more than the limit.</summary>
    [DoesNotReturn]
    public static void CodecAboveLimit(string codec, string part, long bytes, long limit) =>
        throw Invalid(Codec,
            $"{Codec} {codec} takes {Bytes(bytes)} ({part}), and {MemoryLimit} is {Bytes(limit)}; choose another codec, or raise the limit.");

    /// <summary>The bytes that a codec claims of its memory, unless they cannot be.</summary>
    public static long IfClaimInvalid(long? bytes, PageCodec codec, string what)
    {
        if (bytes is null)
            throw new ArgumentException(
                $"Codec {codec.Name} returns no context (null) from CreateContext; it has to make one, or throw.", "Codec");
        if (bytes < 0)
            throw new ArgumentException(
                $"Codec {codec.Name} says that {what} is {Bytes(bytes.Value)}; a codec has to say zero or more.", "Codec");
        return bytes.Value;
    }

    public static void IfCodecCallsItsStore(bool calls)
    {
        if (calls)
            throw new InvalidOperationException(
                "A codec calls the store that it works for while it compresses, decompresses or makes a context; that would wait "
                    + "for itself. Call it from elsewhere.");
    }

    [DoesNotReturn]
    public static void NoMemoryForCodec(string codec, long bytes, long limit) =>
        throw NoMemory(
            $"No memory for codec {codec}, which takes {Bytes(bytes)} and more, within {MemoryLimit} ({Bytes(limit)}); "
                + $"{(bytes > limit ? NoCodecFits : CodecMayFit)}");

    [DoesNotReturn]
    public static void NoCodecNumber(string codec) =>
        throw new InvalidOperationException(
            $"Codec {codec} is one too many: a store has at most {Store.Index.PageWord.MaxCodecs}, and pages are stored with all of them; "
                + "retire one first (RetireCodec, or Recompress with RetireOthers).");

    [DoesNotReturn]
    public static void CodecsNotRetired(string codec, long pages) =>
        throw new InvalidOperationException(
            pages > 0
                ? $"Codec {codec} needs the number of another one, of which {pages} pages could not be moved yet: they are in use, memory "
                    + "is short, or as many pages as asked for were moved; run it again, which goes on there."
                : $"Codec {codec} needs the number of another one, and none is free to go: new writes, the last recompression and those "
                    + "that are going on use all of them; run it again when those have ended.");

    public static void IfCodecNumberUnknown(int number, bool known)
    {
        if (!known)
            throw new ArgumentOutOfRangeException(nameof(number), number, $"No codec has number {number}; choose one that Codecs names.");
    }

    public static void IfCodecIsForWrites(int number, bool isForWrites)
    {
        if (isForWrites)
            throw new InvalidOperationException(
                $"Codec number {number} is used for new writes and cannot be retired; choose another for writes first (UseCodec).");
    }

    public static void IfRetiredToItself(int number, int target)
    {
        if (number == target)
            throw new ArgumentException(
                $"Target is codec number {number} itself; choose another, or leave it null for the codec for writes.", "Target");
    }

    public static void IfStoredFormInvalid(in Store.Index.StoredPage form, int length, int pageSize, bool codecIsKnown)
    {
        bool fits = form.Kind switch
        {
            Store.Index.StoredKind.SameFilled => true,
            Store.Index.StoredKind.Compressed => form.Size >= 1 && form.Size < pageSize && form.Size == length && codecIsKnown,
            Store.Index.StoredKind.Incompressible => form.Size == pageSize && form.Size == length,
            _ => false,
        };
        if (!fits)
            throw new ArgumentException($"{form} with {length} bytes is no stored page of {pageSize} bytes; give the form and the bytes that ReadStored gave.", nameof(form));
    }

    public static void IfDictionarySizeInvalid(int bytes, int least, int most)
    {
        if (bytes < least || bytes > most)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"A dictionary has {least} to {most} bytes, not {bytes}; 32768 is a good size.");
    }

    public static void IfLevelInvalid(int level, int least, int most)
    {
        if (level < least || level > most)
            throw new ArgumentOutOfRangeException(nameof(level), level,
                $"Zstandard level {level} does not exist; choose {least} to {most}.");
    }

    [DoesNotReturn]
    public static void PageIsCorrupt(long page) => throw new PageCorruptException(page);

    [DoesNotReturn]
    public static void LimitNotPositive(long limit) =>
        throw OutOfRange(MemoryLimit, limit, $"{MemoryLimit} is {Bytes(limit)}; choose more than zero, or null for the default.");

    [DoesNotReturn]
    public static void LimitAboveContainer(long limit, long container, long reserve) =>
        throw OutOfRange(MemoryLimit, limit,
            $"{MemoryLimit} is {Bytes(limit)} but the container allows {Bytes(container)}, of which the runtime needs "
                + $"{Bytes(reserve)}; choose at most {Bytes(container - reserve)}, or raise the container's limit.");

    [DoesNotReturn]
    public static void LimitTooSmall(long limit, int needed) =>
        throw OutOfRange(MemoryLimit, limit,
            $"{MemoryLimit} is {Bytes(limit)}, too small for a single page of {needed} bytes and its tables; raise it.");

    [DoesNotReturn]
    public static void LimitReached(long limit, int size) =>
        throw NoMemory(
            $"No memory for {size} more bytes within {MemoryLimit} ({Bytes(limit)}); free something, compact, or raise the limit.");

    [DoesNotReturn]
    public static void ReservationFailed(long bytes, string reason) =>
        throw OptionMessage.Create(
            text => new InsufficientMemoryException(text),
            $"The system refuses to reserve {Bytes(bytes)} of address space ({reason}); lower {MemoryLimit} or raise the process's limit "
                + $"(ulimit -v).");

    [DoesNotReturn]
    public static void UnknownBacking(FrameBackingKind kind) =>
        throw new ArgumentOutOfRangeException("Backing", kind, $"Backing {kind} does not exist; choose Default, Anonymous, SharedMemory or Portable.");

    public static void IfWindowsImpossible(MappingKind mapping, FrameBackingKind backing, int frameSize)
    {
        if (mapping != MappingKind.Window)
            throw new ArgumentOutOfRangeException("Mapping", mapping, $"Mapping is {mapping}; choose Copy or Window.");
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            throw new PlatformNotSupportedException("Mapping Window needs 64-bit Linux, where two virtual pages can be pointed at any two frames; choose Copy.");
        if (frameSize != Environment.SystemPageSize)
            throw new PlatformNotSupportedException($"Mapping Window needs frames of the system's page size, {Environment.SystemPageSize} bytes, and FrameSize is {frameSize}; choose that, or Mapping Copy.");
        if (backing is not (FrameBackingKind.Default or FrameBackingKind.SharedMemory))
            throw new ArgumentException($"Mapping Window needs a memory file behind the frames, and Backing is {backing}; choose SharedMemory or Default.", "Backing");
    }

    public static PlatformNotSupportedException BackingNotHere(FrameBackingKind kind) =>
        new($"Backing {kind} needs 64-bit Linux, where single frames can be mapped and given back; choose Default or Portable.");

    [DoesNotReturn]
    public static void FrameSmallerThanPage(int frameSize) =>
        throw new PlatformNotSupportedException(
            $"FrameSize {frameSize} is not a multiple of this system's page size ({Environment.SystemPageSize}), so single frames cannot be given back; choose a larger FrameSize or Backing Portable.");

    [DoesNotReturn]
    public static void FrameNotInUse(uint frame) =>
        throw new ArgumentException($"Frame {frame} is not in use: it was never handed out, or was freed before.", nameof(frame));

    [DoesNotReturn]
    public static void HeapIsCorrupt(uint zspage, int index) =>
        throw new InvalidOperationException($"Object {index} of zspage {zspage} is free already: the heap's own records are damaged.");

    public static InvalidOperationException TooManyPools(int most) =>
        new($"{most} pools are open, the most there can be at once; dispose some.");

    [DoesNotReturn]
    public static void ForeignHandle(ZsHandle handle) =>
        throw new InvalidHandleException($"Handle {handle} does not belong to this pool; use it with the pool that allocated it.");

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
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"Bytes {offset} to {(long)offset + length} are not within the object's {size}.");

    [DoesNotReturn]
    public static void Disposed(object instance) => throw new ObjectDisposedException(instance.GetType().FullName);

    private static string Bytes(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture) + " bytes";

    private static void IfSizeInvalid(int size, string option)
    {
        if (size is < FrameArena.MinFrameSize or > FrameArena.MaxFrameSize || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException(option, size, $"{option} is {size}; choose 4096, 8192, 16384, 32768 or 65536 bytes.");
    }
}
