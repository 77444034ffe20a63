using System.Buffers;
using System.Runtime.CompilerServices;
using PageFold.Caching.Coding;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>Makes entries that need several objects (<see cref="Pieces"/>, <see cref="Chunks"/>).</summary>
/// <remarks>Thread-safe. What was made is freed again if the rest does not fit.</remarks>
internal sealed class PieceWriter
{
    /// <summary>The longest key that lies in the entry's own object.</summary>
    public const int MaxKeyInObject = 1024;

    // The share of the limit that one entry may take, as a power of two: 2 for a quarter.
    private const int MaxShareShift = 2;

    // Of an entry's own object, before the locations: the header without tags, deadline and stamp.
    private const int MaxHeadLength = EntryHeader.MaxLengthWithoutTags + sizeof(uint) + 1;

    private readonly EntryStore _store;
    private readonly EntryLinks _links;
    private readonly CacheEviction _eviction;
    private readonly EntryCounters _counters;

    public PieceWriter(EntryStore store, EntryLinks links, CacheEviction eviction, EntryCounters counters) =>
        (_store, _links, _eviction, _counters) = (store, links, eviction, counters);

    private int PieceLength => _store.Heap.MaxObjectSize;

    /// <summary>True if an entry would take more than its share. Asked before anything is evicted for it.</summary>
    public bool IsTooLarge(in CacheKey key, ReadOnlySpan<byte> value, in EntryTerms terms, ValueCoder coder)
    {
        long most = LongestStream(terms);
        // Most values are told by their length.
        long longest = key.Bytes.Length + (long)value.Length + (long)Chunks.CountOf(value.Length) * Chunks.HeaderLength;
        return longest > most && key.Bytes.Length + Measure(value, coder, most) > most;
    }

    /// <summary>Makes an entry and tells its location, or why there is none.</summary>
    /// <param name="key">The key.</param>
    /// <param name="length">Bytes of the value.</param>
    /// <param name="terms">What it is stored with.</param>
    /// <param name="chunks">The value's chunks as they are to be stored.</param>
    /// <param name="location">Where the entry is.</param>
    public CacheSetOutcome TryMake<TChunks>(in CacheKey key, int length, in EntryTerms terms, ref TChunks chunks, out ulong location)
        where TChunks : struct, IValueChunks, allows ref struct
    {
        location = 0;
        long most = LongestStream(terms);
        int count = Chunks.CountOf(length);
        long longest = key.Bytes.Length + (long)length + (long)count * Chunks.HeaderLength;
        Parts parts = new(longest / PieceLength + 1, count);
        bool made = false;
        try
        {
            CacheSetOutcome outcome = TryWriteStream(key, ref chunks, most, ref parts, out long stream);
            if (outcome is not (CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw))
                return outcome;
            made = TryMakeHead(key, length, stream, terms, ref parts, out location);
            return made ? outcome : CacheSetOutcome.NoMemory;
        }
        finally
        {
            if (!made)
                parts.Undo(_store.Heap, _links.Coding);
            parts.Dispose();
        }
    }

    /// <summary>The longest stream that an entry may have: its share, or as much as its object can list.</summary>
    private long LongestStream(in EntryTerms terms) =>
        Math.Min(_store.Heap.MemoryLimit >> MaxShareShift,
            Pieces.LongestStream(PieceLength, PieceLength - MaxHeadLength - terms.Tags.Length));

    /// <summary>The bytes that a value takes in chunks; ends once they are too many.</summary>
    private long Measure(ReadOnlySpan<byte> value, ValueCoder coder, long most)
    {
        long bytes = 0;
        for (; bytes <= most && !value.IsEmpty; value = value[Math.Min(Chunks.Length, value.Length)..])
        {
            _links.Coding.Release(coder.Encode(value[..Math.Min(Chunks.Length, value.Length)], before: 0, out ReadOnlySpan<byte> stored));
            bytes += Chunks.HeaderLength + stored.Length;
        }
        return bytes;
    }

    [SkipLocalsInit]
    private CacheSetOutcome TryWriteStream<TChunks>(in CacheKey key, ref TChunks chunks, long most, ref Parts parts, out long stream)
        where TChunks : struct, IValueChunks, allows ref struct
    {
        PieceFiller filler = new(this, key.Hash, stackalloc byte[EntryReader.MaxObject]);
        bool isRaw = true;
        bool done = filler.TryAppend(key.Bytes, ref parts);
        Span<byte> header = stackalloc byte[Chunks.HeaderLength];
        while (done && chunks.TryNext(out ValueForm form, out ReadOnlySpan<byte> stored))
        {
            parts.Forms[parts.FormCount++] = form.Number;
            isRaw &= form.IsRaw;
            stream = filler.Written + Chunks.HeaderLength + stored.Length;
            if (stream > most)
                return CacheSetOutcome.TooLarge;
            Chunks.WriteHeader(header, form, stored, key.Hash);
            done = filler.TryAppend(header, ref parts) && filler.TryAppend(stored, ref parts);
        }
        done = done && filler.TryFlush(ref parts);
        stream = filler.Written;
        return !done ? CacheSetOutcome.NoMemory : isRaw ? CacheSetOutcome.StoredRaw : CacheSetOutcome.Stored;
    }

    [SkipLocalsInit]
    private bool TryMakeHead(in CacheKey key, int length, long stream, in EntryTerms terms, ref Parts parts, out ulong location)
    {
        location = 0;
        EntryHeader header = terms.Header(key.Bytes.Length, length);
        header.Forms |= EntryForms.InPieces;
        header.Rest = (uint)stream;
        Span<byte> body = stackalloc byte[EntryReader.MaxObject];
        body = body[..header.Write(body, terms.Tags)];
        int before = body.Length + header.TailLength;
        Pieces.Plan plan = Pieces.For(PieceLength, stream, PieceLength - before);
        for (int list = 0; list < plan.Lists; list++)
        {
            if (!TryMakeList(key.Hash, plan, list, ref parts))
                return false;
        }
        if (!_eviction.TryAllocate(before + plan.Listed * EntryView.LocationBytes, out ObjectLocation made))
            return false;
        HeapObject bytes = _store.Heap.View(made);
        bytes.Write(0, body);
        ReadOnlySpan<ulong> listed = plan.Lists > 0 ? parts.Lists.AsSpan(0, plan.Lists) : parts.Pieces.AsSpan(0, plan.Pieces);
        for (int i = 0; i < listed.Length; i++)
            Pieces.List(bytes, before, i, listed[i]);
        bytes.Tag = EntryTag.ForEntry(key.Hash, EntryView.Checksum(body, key.Hash)).Bits;
        if (EntryView.TryOpen(bytes, out EntryView entry))
        {
            if (entry.Header.Is(EntryForms.Expires))
                entry.Deadline = terms.Deadline;
            _counters.Add(CacheCount.StoredBytes, Pieces.BytesOf(_store.Heap, entry));
        }
        location = made.Bits;
        return true;
    }

    private bool TryMakeList(uint hash, Pieces.Plan plan, int list, ref Parts parts)
    {
        if (!_eviction.TryAllocate(plan.LengthOfList(list), out ObjectLocation location))
            return false;
        HeapObject bytes = _store.Heap.View(location);
        int first = list * plan.PerList;
        for (int i = 0; i < plan.LengthOfList(list) / EntryView.LocationBytes; i++)
            Pieces.List(bytes, 0, i, parts.Pieces[first + i]);
        bytes.Tag = Pieces.TagOfList(hash, list).Bits;
        parts.Lists[parts.ListCount++] = location.Bits;
        return true;
    }

    /// <summary>Cuts a stream into pieces as it comes.</summary>
    private ref struct PieceFiller(PieceWriter writer, uint hash, Span<byte> piece)
    {
        private readonly Span<byte> _piece = piece;
        private int _filled;

        /// <summary>Bytes of the stream so far.</summary>
        public long Written { get; private set; }

        public bool TryAppend(ReadOnlySpan<byte> bytes, ref Parts parts)
        {
            Written += bytes.Length;
            while (!bytes.IsEmpty)
            {
                int length = Math.Min(bytes.Length, writer.PieceLength - _filled);
                bytes[..length].CopyTo(_piece[_filled..]);
                _filled += length;
                bytes = bytes[length..];
                if (_filled == writer.PieceLength && !TryFlush(ref parts))
                    return false;
            }
            return true;
        }

        public bool TryFlush(ref Parts parts)
        {
            if (_filled == 0)
                return true;
            if (!writer._eviction.TryAllocate(_filled, out ObjectLocation location))
                return false;
            HeapObject bytes = writer._store.Heap.View(location);
            bytes.Write(0, _piece[.._filled]);
            bytes.Tag = EntryTag.ForPiece(hash, (uint)parts.PieceCount).Bits;
            parts.Pieces[parts.PieceCount++] = location.Bits;
            _filled = 0;
            return true;
        }
    }

    /// <summary>What was made so far. The arrays are borrowed.</summary>
    private struct Parts(long maxPieces, int chunks) : IDisposable
    {
        public readonly ulong[] Pieces = ArrayPool<ulong>.Shared.Rent((int)maxPieces);
        public readonly ulong[] Lists =
            ArrayPool<ulong>.Shared.Rent((int)(maxPieces * EntryView.LocationBytes / EntryReader.MaxObject + 2));
        public readonly byte[] Forms = ArrayPool<byte>.Shared.Rent(Math.Max(1, chunks));
        public int PieceCount;
        public int ListCount;
        public int FormCount;

        public readonly void Undo(ObjectHeap heap, ValueCoding coding)
        {
            foreach (ulong location in Pieces.AsSpan(0, PieceCount))
                heap.Free(new ObjectLocation(location));
            foreach (ulong location in Lists.AsSpan(0, ListCount))
                heap.Free(new ObjectLocation(location));
            foreach (byte form in Forms.AsSpan(0, FormCount))
                coding.Release(new ValueForm(form));
        }

        public readonly void Dispose()
        {
            ArrayPool<ulong>.Shared.Return(Pieces);
            ArrayPool<ulong>.Shared.Return(Lists);
            ArrayPool<byte>.Shared.Return(Forms);
        }
    }
}
