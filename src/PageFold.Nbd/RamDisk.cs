using System.Numerics;
using PageFold.Nbd.Disk;

namespace PageFold.Nbd;

/// <summary>
/// A disk of any number of bytes whose pages live compressed in a <see cref="PageStore"/>: requests of any offset and length, holes that take nothing, and writes that are refused when
/// memory is short and leave what was there.
/// </summary>
/// <remarks>
/// <para>
/// A page that holds only zeros is not stored. A request may begin and end within pages; what it does to each page is atomic, what it does to several is not, as on any disk.
/// </para>
/// <para>
/// Pages larger than 4 KiB are kept decompressed in a small cache while parts of them are read and written, and go to the store when another page needs the place, on
/// <see cref="Flush"/>. The cache is part of the memory limit.
/// </para>
/// <para>Thread-safe. Reading and writing allocate nothing on the GC heap once each thread has come by. The content is as volatile as the process.</para>
/// </remarks>
public sealed partial class RamDisk : IDisposable
{
    /// <summary>Bytes that a disk's length is a multiple of.</summary>
    public const int SectorSize = 512;

    /// <summary>Bytes of the smallest pages of which some are kept decompressed: requests of 4 KiB are parts of them.</summary>
    public const int SmallestCachedPage = 8192;
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

    /// <summary>Makes a disk of zeros.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it, its value and the remedy.</exception>
    /// <exception cref="IOException">The writeback file cannot be opened, or its space not be reserved.</exception>
    /// <exception cref="UnauthorizedAccessException">The writeback file may not be opened, or is a folder.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the address space.</exception>
    /// <exception cref="PlatformNotSupportedException">The backing or <see cref="WritebackOptions.Preallocate"/> does not exist here.</exception>
    public RamDisk(RamDiskOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        PageStoreOptions store = options.Store;
        Throw.IfPageSizeInvalid(store.PageSize);
        Throw.IfCacheInvalid(options.CacheBytes, options.CacheBytes is null ? null : store.MemoryLimit ?? PageStore.DefaultMemoryLimit);
        long cache = store.PageSize < SmallestCachedPage ? 0 : options.CacheBytes ?? Math.Min(DefaultCacheBytes, (store.MemoryLimit ?? long.MaxValue) / 16);
        // A power of two, so that a page's cell is found by a mask; without a buffer a cell is only a lock.
        int cells = cache < store.PageSize ? LocksWithoutCache : 1 << Math.Min(16, BitOperations.Log2((ulong)(cache / store.PageSize)));
        CacheBytes = cache < store.PageSize ? 0 : (long)cells * store.PageSize;
        _reserve = options.ReserveForSnapshot ? ReserveBytes(options.Length, store, CacheBytes) : 0;
        Throw.IfReserveTooLarge(_reserve, store.MemoryLimit);
        // The store refuses what is negative or too much, by name.
        if (store.OwnerBytes >= 0)
            store = store with { OwnerBytes = store.OwnerBytes + Math.Min(CacheBytes + _reserve, long.MaxValue - store.OwnerBytes) };
        _ownerBytes = store.OwnerBytes;
        if (store.SnapshotReserve == 0)
            store = store with { SnapshotReserve = SnapshotReserve(options.Length, store) };
        Store = new PageStore(store);
        try
        {
            Throw.IfLengthInvalid(options.Length, Store.PageSize);
        }
        catch
        {
            Store.Dispose();
            throw;
        }
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

    /// <summary>Bytes of the disk.</summary>
    public long Length { get; }

    /// <summary>The store with the disk's pages. A page larger than 4 KiB may be newer in the disk's cache.</summary>
    public PageStore Store { get; }

    /// <summary>Bytes of decompressed pages kept at hand; zero if the disk keeps none.</summary>
    public long CacheBytes { get; }

    /// <summary>Bytes of the disk's pages.</summary>
    public int PageSize => 1 << _pageShift;

    /// <summary>True if parts of pages are cheap to read and write: no page is larger than what clients usually ask for.</summary>
    internal bool HasCache => CacheBytes > 0;

    /// <summary>Reads bytes; what was never written is zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page does not match its check; the destination's content is undefined.</exception>
    /// <exception cref="WritebackReadException">A page is in the writeback file and cannot be read from there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        Throw.IfRangeOutsideDisk(offset, destination.Length, Length);
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

    /// <summary>Writes bytes; false if memory is short, and then a page that was refused is as it was before, as are those after it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool TryWrite(long offset, ReadOnlySpan<byte> data)
    {
        Throw.IfRangeOutsideDisk(offset, data.Length, Length);
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

    /// <summary>Makes bytes read as zero and gives their memory back.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">How many.</param>
    /// <param name="punch">
    /// Leaves holes behind. Otherwise all pages of the range count as held, those that are zeroed in part too, without taking more than
    /// their place in a table if they are all zeros.
    /// </param>
    /// <returns>False if memory is short, which only pages that are zeroed in part can meet, or all if <paramref name="punch"/> is false.</returns>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    /// <remarks>
    /// A page that is held as zeros stays held until a whole page of zeros is written, or the whole page is zeroed with <paramref
    /// name="punch"/> or trimmed.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    public bool TryZero(long offset, long count, bool punch = true)
    {
        Throw.IfRangeOutsideDisk(offset, count, Length);
        if (count == 0)
            return true;
        long end = offset + count;
        long first = offset + PageSize - 1 >> _pageShift;
        // The last page may be cut short by the disk's end.
        long last = end == Length ? (end + PageSize - 1 >> _pageShift) : end >> _pageShift;
        // All within one page.
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

    /// <summary>Tells that bytes are not needed any more. Whole pages become holes; parts of pages become zeros if there is memory for that.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the disk.</exception>
    /// <exception cref="PageCorruptException">A stored page that is kept in part does not match its check.</exception>
    /// <exception cref="WritebackReadException">A page that is kept in part is in the writeback file and cannot be read from
    /// there.</exception>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public void Trim(long offset, long count)
    {
        Throw.IfRangeOutsideDisk(offset, count, Length);
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

    /// <summary>Gives the store what is newer in the cache. False if the store is too full for some page, which then stays in the cache.</summary>
    /// <exception cref="ObjectDisposedException">The disk was disposed.</exception>
    public bool Flush() => WriteBackCache();

    /// <summary>Frees the disk's memory. Its content is gone.</summary>
    public void Dispose() => Store.Dispose();
}
