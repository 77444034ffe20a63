using PageFold.Allocation;
using PageFold.Compression;
using PageFold.Store.Index;

namespace PageFold.Store.Snapshots;

/// <summary>What a snapshot's pages take in a store, found by counting them. Used by one thread.</summary>
/// <param name="index">The store, which is empty.</param>
internal sealed class SnapshotNeeds(PageIndex index)
{
    private const long Unit = 1 << 20;

    // A word, its count, its place in a chain, and the chain.
    private const int PatternBytes = 20;

    // Entries of 4 bytes in a block of a table's directory, and the entry of the block in the roots, old ones included.
    private const int DirectoryShift = 10;
    private const int DirectoryBytes = 4096;
    private const int RootBytes = 4 * sizeof(ulong);

    private readonly Dictionary<ZspageGeometry, long> _objects = [];
    private readonly bool[] _codecs = new bool[PageWord.MaxCodecs];
    private readonly long _used = index.Budget.Used;
    private Runs _slots = new(index.Arena.FrameShift - 3);
    private Runs _slotBlocks = new(index.Arena.FrameShift - 3 + DirectoryShift);
    private Runs _times = new(index.Arena.FrameShift - 1);
    private Runs _timeBlocks = new(index.Arena.FrameShift - 1 + DirectoryShift);
    private long _words;
    private long _lastPage;

    /// <summary>The codecs that pages have.</summary>
    public IEnumerable<int> Codecs => Enumerable.Range(0, _codecs.Length).Where(number => _codecs[number]);

    /// <summary>Bytes without which the pages cannot be stored, if they stay as they are.</summary>
    public long Least => _used + Frames(spare: 0);

    public void Add(uint page, in StoredPage form)
    {
        _slots.Add(page);
        _slotBlocks.Add(page);
        _times.Add(page);
        _timeBlocks.Add(page);
        _lastPage = Math.Max(_lastPage, page);
        if (form.Kind == StoredKind.SameFilled)
        {
            _words++;
            return;
        }
        if (form.Kind == StoredKind.Compressed)
            _codecs[form.Codec] = true;
        ZspageGeometry geometry = index.Heap.GeometryFor(form.Size);
        _objects[geometry] = _objects.GetValueOrDefault(geometry) + 1;
    }

    /// <summary>A limit, in whole MiB, within which the snapshot can be loaded.</summary>
    /// <param name="header">What the snapshot says of its codecs.</param>
    /// <param name="isKnown">True for a codec that is counted as used already.</param>
    public long Sufficient(SnapshotHeader header, Func<int, bool> isKnown)
    {
        long tables = (_slots.Count + _times.Count) * index.Arena.FrameSize
            + (_slotBlocks.Count + _timeBlocks.Count) * DirectoryBytes
            + (_lastPage >> index.Arena.FrameShift - 3 + DirectoryShift) * RootBytes
            + _words * PatternBytes;
        long codecs = Codecs.Where(number => !isKnown(number)).Sum(number => BytesOf(header.Codecs[number]));
        long all = _used + Frames(spare: 1) + tables + codecs;
        // A larger limit has more set aside within it.
        long limit = index.Budget.Limit;
        all += all / 64 + Math.Max(0, all - limit) / 4 + Unit;
        return (Math.Max(all, limit + 1) + Unit - 1) / Unit * Unit;
    }

    /// <summary>Bytes of frames, and of the descriptors of their chains.</summary>
    private long Frames(int spare)
    {
        long bytes = 0;
        foreach ((ZspageGeometry geometry, long objects) in _objects)
        {
            long chains = (objects + geometry.Objects - 1) / geometry.Objects;
            bytes += ((geometry.FramesNeeded(objects) + spare) << geometry.FrameShift)
                + chains * geometry.DescriptorLines * ZspageTable.LineBytes;
        }
        return bytes;
    }

    /// <summary>The maximum of what a codec takes: once its dictionary, what is made of it, and contexts.</summary>
    private long BytesOf(SnapshotCodecEntry? entry)
    {
        if (entry is null || !CodecDescription.IsPossible(entry.Name, entry.Level, entry.DictionaryBytes, entry.IsOfLibrary))
            return 0;
        PageCodec? bare = CodecDescription.TryMake(entry.Name, entry.Level, [], isOfLibrary: false);
        long context = bare?.MaxContextBytes(index.PageSize) ?? 0;
        return entry.DictionaryBytes
            + 2 * (CodecDescription.MaxSharedBytes(entry.Name, entry.Level, entry.DictionaryBytes) + context);
    }

    /// <summary>Counts the parts of a table that pages lie in; too many where pages come in no order.</summary>
    private struct Runs(int shift)
    {
        private long _last = -1;

        public long Count { get; private set; }

        public void Add(uint page)
        {
            if (page >> shift != _last)
                Count++;
            _last = page >> shift;
        }
    }
}
