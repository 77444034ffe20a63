using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>
/// The entries of a cache: objects of a heap, found by an index of hashes. Owns the heap's objects and lets compaction move them.
/// </summary>
/// <remarks>
/// Thread-safe. An entry is read while its hash is held shared, changed while it is held alone. An object is filled before the index names
/// it, and freed after the index has forgotten it, so neither needs a lock. The caller of every method is inside the heap.
/// </remarks>
internal sealed class EntryStore : IObjectOwner
{
    // The entry that compaction holds; the heap moves one object at a time.
    private EntryMove _move;

    /// <param name="options">The heap's options.</param>
    /// <param name="finished">Runs when the heap was disposed and the last operation has left, before its memory goes.</param>
    [SuppressMessage("Reliability", "CA2000", Justification = "The cache disposes the heap.")]
    public EntryStore(ObjectHeapOptions options, Action finished)
    {
        Heap = new ObjectHeap(options, this, finished);
        Memory = new CountedMemory(new HeapMemory(Heap));
        Index = BucketTable<TagHashes>.TryCreate(Memory, new TagHashes(Heap))!;
        if (Index is null)
        {
            Heap.Dispose();
            CacheThrow.LimitTooSmall(Heap.MemoryLimit);
        }
    }

    public ObjectHeap Heap { get; }

    /// <summary>The memory of tables: index, eviction, expiry, tags, tokens.</summary>
    public CountedMemory Memory { get; }

    public BucketTable<TagHashes> Index { get; }

    public ResidentCounts Residents { get; } = new();

    /// <summary>Finds the entry of a key among those of its hash, which the caller holds.</summary>
    /// <param name="held">The hash, held at the beginning of its candidates.</param>
    /// <param name="key">The key.</param>
    /// <param name="place">Where the index has the entry.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="damaged">
    /// The location of a damaged entry with the key's hash, which may have been the key's; otherwise null, and always if the key was found.
    /// </param>
    public bool TryFind(ref SharedKey held, scoped in CacheKey key, out EntryPlace place, out EntryView entry, out ulong? damaged)
    {
        damaged = null;
        while (held.TryNext(out place, out ulong location))
        {
            if (!IsOf(location, key, out entry, ref damaged))
                continue;
            damaged = null;
            return true;
        }
        entry = default;
        return false;
    }

    /// <inheritdoc cref="TryFind(ref SharedKey, in CacheKey, out EntryPlace, out EntryView, out ulong?)"/>
    public bool TryFind(ref ExclusiveKey<TagHashes> held, scoped in CacheKey key, out EntryPlace place, out ulong location,
        out EntryView entry, out ulong? damaged)
    {
        damaged = null;
        held.Restart();
        while (held.TryNext(out place, out location))
        {
            if (!IsOf(location, key, out entry, ref damaged))
                continue;
            damaged = null;
            return true;
        }
        entry = default;
        return false;
    }

    /// <summary>True if entries have a stamp of the clock of eviction.</summary>
    public bool HasStamps { get; init; }

    /// <summary>True if entries weigh what their values had when they were set, and not what they take.</summary>
    public bool WeighsContent { get; init; }

    /// <summary>What an entry weighs for eviction, in bytes.</summary>
    public long Weigh(in EntryView entry) => WeighsContent ? entry.Header.ValueLength : Pieces.BytesOf(Heap, entry);

    public uint HashAt(ulong location) => new EntryTag(Heap.View(new ObjectLocation(location)).Tag).Hash;

    /// <summary>Opens the entry at a location; false if its header is damaged.</summary>
    public bool TryOpen(ulong location, out EntryView entry) => EntryView.TryOpen(Heap.View(new ObjectLocation(location)), out entry);

    /// <summary>Removes an entry from the index. The caller holds its hash alone, and then retires what the location names.</summary>
    public void Unpublish(ref ExclusiveKey<TagHashes> held, EntryPlace place)
    {
        EntryState state = place.State;
        if (TryOpen(place.Location, out EntryView entry))
        {
            Residents.Remove(state, Weigh(entry));
        }
        else
        {
            Residents.Remove(state, entry.Bytes);
        }
        held.Remove(place);
    }

    public bool TryBeginMove(ulong tag, ObjectLocation location)
    {
        EntryTag owned = new(tag);
        if (!owned.IsPiece)
            return Index.TryBeginMove(owned.Hash, location.Bits, out _move);
        PieceOwner owner = new(this, owned.Hash, owned.Number, location.Bits);
        return Index.TryBeginMove(owned.Hash, ref owner, out _move);
    }

    public void EndMove(ulong tag, ObjectLocation from, ObjectLocation to)
    {
        EntryTag owned = new(tag);
        if (owned.IsPiece)
        {
            if (TryOpen(_move.Location, out EntryView entry))
                Pieces.SetLocation(Heap, entry, owned.Number, to.Bits);
            _move.End(_move.Location);
        }
        else
        {
            _move.End(to.Bits);
        }
        _move = default;
    }

    private bool IsOf(ulong location, scoped in CacheKey key, out EntryView entry, scoped ref ulong? damaged)
    {
        HeapObject bytes = Heap.View(new ObjectLocation(location));
        if (new EntryTag(bytes.Tag).Hash != key.Hash)
        {
            entry = default;
            return false;
        }
        bool isOpen = EntryView.TryOpen(bytes, out entry);
        if (isOpen && (entry.Header.Is(EntryForms.InPieces) ? Pieces.KeyIs(Heap, entry, key.Bytes) : entry.KeyIs(key.Bytes)))
            return true;
        // Two keys with one hash are so rare that a look at all of the entry costs nothing.
        if (!isOpen || (entry.Header.Is(EntryForms.InPieces) ? !HasKeyOfItsHash(entry, key.Seed) : !entry.IsWhole()))
            damaged = location;
        return false;
    }

    /// <summary>False if the key of an entry in pieces is damaged.</summary>
    private bool HasKeyOfItsHash(in EntryView entry, ulong seed)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(Math.Max(1, entry.Header.KeyLength));
        Span<byte> stored = rented.AsSpan(0, entry.Header.KeyLength);
        bool hasIt = Pieces.Read(Heap, entry, 0, stored) && new CacheKey(stored, seed).Hash == entry.Tag.Hash;
        ArrayPool<byte>.Shared.Return(rented);
        return hasIt;
    }

    /// <summary>Recognises the entry that a piece belongs to.</summary>
    private readonly struct PieceOwner(EntryStore store, uint hash, uint number, ulong location) : IEntryMatch
    {
        public bool Matches(ulong candidate) =>
            store.HashAt(candidate) == hash && store.TryOpen(candidate, out EntryView entry)
            && Pieces.IsAt(store.Heap, entry, number, location);
    }
}
