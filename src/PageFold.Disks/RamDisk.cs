using System.Numerics;
using PageFold.Disks.Cells;

namespace PageFold.Disks;

/// <summary>A byte-addressed disk whose pages live compressed in a <see cref="PageStore"/>.</summary>
/// <remarks>
/// <para>
/// Requests have any offset and length. A request is atomic for each page that it touches, but not for several, as on any disk. A page of
/// zeros is not stored. When memory is short the disk refuses a write, and the old content stays.
/// </para>
/// <para>
/// Pages larger than 4 KiB stay decompressed in a small cache while parts of them are read and written. They go to the store when another
/// page needs the place, and on <see cref="Flush"/>. The cache is part of the memory limit.
/// </para>
/// <para>
/// Thread-safe. Reading and writing allocate nothing on the GC heap after the first request of each thread. The content is lost when the
/// process ends.
/// </para>
/// </remarks>
public sealed partial class RamDisk : IDisposable
{
    /// <summary>Bytes of a sector; a disk's length is a multiple of it.</summary>
    public const int SectorSize = 512;

    /// <summary>Bytes of the smallest pages that a disk caches decompressed.</summary>
    public const int MinCachedPage = 8192;

    private const int LocksWithoutCache = 256;
    private const long DefaultCacheBytes = 4 << 20;

    [ThreadStatic]
    private static byte[]? _scratch;

    private readonly PageCell[] _cells;
    private readonly DirtyCells _dirtyCells;
    private readonly int _pageShift;
    private readonly bool _writesBack;
    private readonly long _ownerBytes;
    private readonly long _reserve;

    /// <summary>Creates a disk of zeros.</summary>
    /// <exception cref="ArgumentException">
    /// An option is out of range. The parameter name is the option's, and the message names it, its value and the remedy.
    /// </exception>
    /// <exception cref="IOException">The writeback file cannot be opened, or its space not be reserved.</exception>
    /// <exception cref="UnauthorizedAccessException">The writeback file may not be opened, or is a folder.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">
    /// The backing or <see cref="WritebackOptions.Preallocate"/> does not exist here.
    /// </exception>
    public RamDisk(RamDiskOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        PageStoreOptions store = options.Store ?? throw Throw.NoStore();
        Throw.IfPageSizeInvalid(store.PageSize);
        Throw.IfLengthInvalid(options.Length, store.PageSize);
        if (options.CacheBytes is { } wanted)
            Throw.IfCacheInvalid(wanted, store.MemoryLimit ?? PageStore.DefaultMemoryLimit);
        long cache = store.PageSize < MinCachedPage ? 0
            : options.CacheBytes ?? Math.Min(DefaultCacheBytes, (store.MemoryLimit ?? long.MaxValue) / 16);
        // A power of two, so that a mask finds a page's cell; without a buffer a cell is only a lock.
        int cells = cache < store.PageSize ? LocksWithoutCache : 1 << Math.Min(16, BitOperations.Log2((ulong)(cache / store.PageSize)));
        CacheBytes = cache < store.PageSize ? 0 : (long)cells * store.PageSize;
        _reserve = options.ReserveForSnapshot ? ReserveBytes(options.Length, store, CacheBytes) : 0;
        Throw.IfReserveTooLarge(_reserve, store.MemoryLimit);
        // The store refuses a negative or too large value, by name.
        if (store.OwnerBytes >= 0)
            store = store with { OwnerBytes = store.OwnerBytes + Math.Min(CacheBytes + _reserve, long.MaxValue - store.OwnerBytes) };
        _ownerBytes = store.OwnerBytes;
        if (store.SnapshotReserve == 0)
            store = store with { SnapshotReserve = SnapshotReserve(options.Length, store) };
        Store = new PageStore(store);
        Length = options.Length;
        _writesBack = store.Writeback is not null;
        _pageShift = BitOperations.Log2((uint)Store.PageSize);
        _cells = new PageCell[cells];
        _dirtyCells = new DirtyCells(cells);
        for (int i = 0; i < cells; i++)
        {
            byte[]? buffer = CacheBytes > 0 ? GC.AllocateUninitializedArray<byte>(Store.PageSize, pinned: true) : null;
            _cells[i] = new PageCell(buffer, _dirtyCells, i);
        }
    }

    /// <summary>Length of the disk in bytes.</summary>
    public long Length { get; }

    /// <summary>The store with the disk's pages.</summary>
    /// <remarks>
    /// A page larger than 4 KiB may be newer in the disk's cache. Content is changed through the disk, which does not learn of what is
    /// changed in the store.
    /// </remarks>
    public PageStore Store { get; }

    /// <summary>Bytes of the cache of decompressed pages; zero if the disk has none.</summary>
    public long CacheBytes { get; }

    /// <summary>Bytes of a page.</summary>
    public int PageSize => 1 << _pageShift;

    /// <summary>True if the disk keeps some pages decompressed, since requests usually touch only a part of a page.</summary>
    private bool HasCache => CacheBytes > 0;

    /// <summary>Reads bytes; what was never written is zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page does not match its check; the destination's content is undefined.</exception>
    /// <exception cref="WritebackReadException">A page is in the writeback file and cannot be read from there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        Throw.IfRangeOutsideDisk(offset, destination.Length, Length, nameof(destination));
        while (!destination.IsEmpty)
        {
            long page = offset >> _pageShift;
            int within = (int)(offset & PageSize - 1);
            int count = Math.Min(destination.Length, PageSize - within);
            if (HasCache)
                ReadCached(page, within, destination[..count]);
            else if (count == PageSize)
                ReadStored(page, destination[..count]);
            else
                ReadPart(page, within, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Writes bytes; false if memory is short.</summary>
    /// <remarks>After false, the first page that was refused and all pages behind it have their old content.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool TryWrite(long offset, ReadOnlySpan<byte> data)
    {
        Throw.IfRangeOutsideDisk(offset, data.Length, Length, nameof(data));
        while (!data.IsEmpty)
        {
            int within = (int)(offset & PageSize - 1);
            int count = Math.Min(data.Length, PageSize - within);
            if (!TryWritePage(offset >> _pageShift, within, data[..count]))
                return false;
            data = data[count..];
            offset += count;
        }
        return true;
    }

    /// <summary>Makes bytes read as zero and frees their memory.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">Number of bytes.</param>
    /// <param name="punch">
    /// True to leave holes. Otherwise all pages of the range, those that are zeroed in part too, count as held; a page of zeros takes no
    /// more than its place in a table.
    /// </param>
    /// <returns>
    /// False if memory is short. Where <paramref name="punch"/> is true, only pages that are zeroed in part can fail.
    /// </returns>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    /// <remarks>
    /// A page that is held as zeros stays held until a caller writes a whole page of zeros, zeroes the whole page with <paramref
    /// name="punch"/>, or trims it.
    /// </remarks>
    public bool TryZero(long offset, long count, bool punch = true)
    {
        Throw.IfRangeOutsideDisk(offset, count, Length, nameof(count));
        if (count == 0)
            return true;
        long end = offset + count;
        long first = offset + PageSize - 1 >> _pageShift;
        // The last page may be cut short by the disk's end.
        long last = end == Length ? (end + PageSize - 1 >> _pageShift) : end >> _pageShift;
        // The range lies within one page.
        if (first > last)
            return TryZeroPart(offset, (int)count, punch);
        if ((offset & PageSize - 1) != 0 && !TryZeroPart(offset, (int)(Math.Min(end, first << _pageShift) - offset), punch))
            return false;
        if (end != Length && (end & PageSize - 1) != 0 && !TryZeroPart(last << _pageShift, (int)(end & PageSize - 1), punch))
            return false;
        if (!punch)
            return TryHoldZeros(first, last);
        Punch(first, last);
        return true;
    }

    /// <summary>Discards bytes that the client no longer needs.</summary>
    /// <remarks>Whole pages become holes; parts of pages become zeros if there is memory for that.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void Trim(long offset, long count)
    {
        Throw.IfRangeOutsideDisk(offset, count, Length, nameof(count));
        long end = offset + count;
        long first = Math.Min(end, offset + PageSize - 1 & ~(PageSize - 1L));
        long last = end == Length ? end : Math.Max(first, end & ~(PageSize - 1L));
        if (first > offset)
            _ = TryZero(offset, first - offset);
        if (last > first)
            _ = TryZero(first, last - first);
        if (end > last)
            _ = TryZero(last, end - last);
    }

    /// <summary>Writes the dirty pages of the cache to the store; false if the store is too full for some.</summary>
    /// <remarks>A page that the store refuses stays in the cache.</remarks>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool Flush() => WriteBackCache();

    /// <summary>Frees the disk's memory; the content is lost.</summary>
    public void Dispose() => Store.Dispose();
}
