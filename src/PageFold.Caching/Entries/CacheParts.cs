using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using PageFold.Caching.Coding;
using PageFold.Caching.Eviction;
using PageFold.Caching.Expiry;
using PageFold.Caching.Loads;
using PageFold.Caching.Tags;

namespace PageFold.Caching.Entries;

/// <summary>The parts of a cache, made and disposed together.</summary>
[SuppressMessage("Reliability", "CA2000", Justification = "What takes memory takes it from the heap, which frees it at the end.")]
internal sealed class CacheParts : IDisposable
{
    // Tables of a training take about 0.7 MiB, and as much again in contexts.
    private const long BytesPerVersion = 64 << 20;
    private const int MinVersions = 3;
    private const int MaxVersions = 15;
    private const int MaxReservoirBytes = 2 << 20;

    // The share of the limit that samples may take, as a power of two: 4 for a sixteenth.
    private const int ReservoirShareShift = 4;

    // A get touches four or five places at random. With gigabytes behind them, most of its time would go into walks of page tables. In a
    // small cache that is always full they are few, and huge pages are split again and again.
    private const long MinLimitForHugePages = 512L << 20;

    // The share of the limit that a training may take, as a power of two: 2 for a quarter.
    private const int TrainingShareShift = 2;

    // What a training takes at least.
    private const long LeastTrainingBytes = 2 << 20;

    private readonly CountedMemory _codingMemory;

    public CacheParts(CompressedCacheOptions options, ulong seed)
    {
        ObjectHeapOptions heap = new()
        {
            MemoryLimit = options.MemoryLimit,
            MaxMemoryLimit = options.MaxMemoryLimit,
            HugePages = options.MemoryLimit is not < MinLimitForHugePages,
        };
        Store = new EntryStore(heap, FreeCoding)
        {
            HasStamps = options.Objective == CacheObjective.ObjectHits,
            WeighsContent = options.MaxContentBytes is not null,
        };
        bool made = false;
        try
        {
            Counters = new EntryCounters();
            Notices = new EvictionNotices(options.OnEviction);
            Sequence = new CacheSequence();
            Tags = new TagTable(Store.Memory, Sequence);
            Loads = new PendingLoads(Store.Memory, Sequence);
            _codingMemory = new CountedMemory(new HeapMemory(Store.Heap));
            Coding = OrTooSmall(ValueCoding.TryCreate(_codingMemory, CodingOptions(options)));
            Links = new EntryLinks(Store, Tags, Coding, Loads);
            Removal = new EntryRemoval(Store, Links, Counters, Notices);
            EvictorOptions eviction = new()
            {
                MaxEntries = options.MaxEntries ?? 0,
                MaxBytes = options.MaxContentBytes ?? 0,
                Objective = options.Objective == CacheObjective.ObjectHits ? EvictionObjective.Objects : EvictionObjective.Bytes,
                Seed = seed,
            };
            CacheResidents residents = new(Removal, new SweepHand());
            Evictor<CacheResidents> evictor = OrTooSmall(Evictor<CacheResidents>.TryCreate(residents, Store.Memory, eviction));
            Eviction = new CacheEviction(Store, evictor, Notices, eviction);
            CacheClock clock = new(options.TimeProvider);
            Expiry = new CacheExpiry(Store, Removal, Links, Notices, clock);
            EntryRecoder recoder = new(Store, Links, Counters, Eviction);
            HotEntries hot = new(Store, recoder, options.HotShare);
            Upkeep = new CacheUpkeep(Store, Removal, Links, recoder, hot, Expiry, Notices, options.TimeProvider);
            Reader = new EntryReader(Store, Links, Removal, Eviction, hot, clock);
            PieceWriter pieces = new(Store, Links, Eviction, Counters);
            Writer = new EntryWriter(Store, Links, Removal, Eviction, Counters, Expiry, Upkeep, pieces);
            Walks = new EntryWalks(Store, Removal);
            if (options.Compression == CacheCompression.Trained || hot.IsWanted)
                Upkeep.Attend();
            made = true;
        }
        finally
        {
            if (!made)
                Store.Heap.Dispose();
        }
    }

    public EntryStore Store { get; }

    public EntryCounters Counters { get; }

    public EvictionNotices Notices { get; }

    public CacheSequence Sequence { get; }

    public TagTable Tags { get; }

    public PendingLoads Loads { get; }

    public ValueCoding Coding { get; }

    public EntryLinks Links { get; }

    public EntryRemoval Removal { get; }

    public CacheEviction Eviction { get; }

    public CacheExpiry Expiry { get; }

    public CacheUpkeep Upkeep { get; }

    public EntryReader Reader { get; }

    public EntryWriter Writer { get; }

    public EntryWalks Walks { get; }

    /// <summary>Bytes of index, eviction, expiry, tags and tokens.</summary>
    public long MetadataBytes => Store.Memory.Bytes;

    /// <summary>Bytes of dictionaries and buffers of compression.</summary>
    public long CodingBytes => _codingMemory.Bytes;

    public static ulong RandomSeed()
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        return BitConverter.ToUInt64(seed);
    }

    /// <summary>Enters the heap for an operation.</summary>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    public HeapAccess Enter() =>
        Store.Heap.TryEnter(out HeapAccess access) ? access : throw new ObjectDisposedException(nameof(CompressedCache));

    public void Dispose()
    {
        Upkeep.Dispose();
        Coding.Training?.Dispose();
        Store.Heap.Dispose();
    }

    /// <summary>Evicts entries for a training, if it takes a quarter of the limit at most.</summary>
    private bool MakeRoomToTrain(long bytes)
    {
        long limit = Store.Heap.MemoryLimit;
        // Nothing is evicted for samples that could not be trained on.
        if (bytes > limit >> TrainingShareShift || LeastTrainingBytes > limit >> TrainingShareShift
            || !Store.Heap.TryEnter(out HeapAccess access))
            return false;
        using (access)
        {
            try
            {
                return Eviction.TryTrim(limit - bytes, tells: false);
            }
            finally
            {
                // A callback may wait for the end of the training. Other threads may set the keys again meanwhile, so it is told soon.
                Notices.TellOnPool();
            }
        }
    }

    // No coder is taken any more. Its contexts are not the heap's.
    private void FreeCoding() => Coding?.Dispose();

    private ValueCodingOptions CodingOptions(CompressedCacheOptions options)
    {
        // A small cache is not to be full of samples.
        int reservoir = (int)Math.Min(Store.Heap.MemoryLimit >> ReservoirShareShift, MaxReservoirBytes);
        return new ValueCodingOptions
        {
            Retire = number => Upkeep?.Retire(number),
            MakeRoom = MakeRoomToTrain,
            Ended = Notices.Tell,
            MaxVersions = (int)Math.Clamp(Store.Heap.MemoryLimit / BytesPerVersion, MinVersions, MaxVersions),
            Compresses = options.Compression != CacheCompression.None,
            Trains = options.Compression == CacheCompression.Trained,
            Time = options.TimeProvider,
            ReservoirBytes = reservoir,
            EnoughBytes = Math.Min(reservoir, MaxReservoirBytes >> 2) >> 1,
        };
    }

    private T OrTooSmall<T>(T? part)
        where T : class
    {
        if (part is null)
            CacheThrow.LimitTooSmall(Store.Heap.MemoryLimit);
        return part;
    }
}
