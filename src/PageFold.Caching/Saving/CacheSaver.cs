using System.IO.Hashing;
using PageFold.Caching.Coding;
using PageFold.Caching.Entries;
using PageFold.Caching.Expiry;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>Saves a cache, bucket by bucket: copies a bucket while it is held, then checks and writes the copies.</summary>
/// <remarks>
/// Each entry is written whole, as it was at some moment during the save. An entry that is there throughout is written at least once; the
/// load takes one of the copies of a key that is written twice. One thread uses it, for one save.
/// </remarks>
internal sealed class CacheSaver : IDisposable
{
    private const EntryForms SavedForms = EntryForms.Expires | EntryForms.Slides | EntryForms.SlidesWithin | EntryForms.Pinned;

    private readonly CacheParts _parts;
    private readonly ulong _seed;
    private readonly SaveWriter _writer;
    private readonly SavedTables _tables;
    private readonly BucketCopy _bucket;
    private readonly byte[] _value = new byte[Chunks.Length];
    private ulong[] _hashes = new ulong[1];
    private long _entries;
    private long _leftOut;
    private long _contentBytes;

    public CacheSaver(CacheParts parts, ulong seed, Stream stream, DateTimeOffset time)
    {
        (_parts, _seed) = (parts, seed);
        _writer = new SaveWriter(stream, time);
        _tables = new SavedTables(parts.Coding);
        _bucket = new BucketCopy(parts.Store, parts.Links, parts.Expiry.Clock, _tables);
    }

    private CacheClock Clock => _parts.Expiry.Clock;

    /// <summary>Saves all entries.</summary>
    public CacheSaveResult Run(CancellationToken cancellationToken)
    {
        using (_parts.Enter())
            _tables.WriteCurrent(_writer);
        using EntryWalk<TagHashes> walk = _parts.Walks.Begin();
        EntryWalk<TagHashes> position = walk;
        while (TrySaveBucket(ref position))
            cancellationToken.ThrowIfCancellationRequested();
        _writer.Complete(_entries, _contentBytes);
        return new CacheSaveResult(_entries, _leftOut + _bucket.LeftOut, _contentBytes, _writer.FileBytes);
    }

    public void Dispose()
    {
        // Where the cache was disposed, all tables go with it.
        if (_parts.Store.Heap.TryEnter(out HeapAccess access))
        {
            using (access)
                _tables.Release();
        }
        _bucket.Dispose();
    }

    private bool TrySaveBucket(ref EntryWalk<TagHashes> walk)
    {
        using HeapAccess access = _parts.Enter();
        _bucket.Reset();
        CopyingVisitor visitor = new(_bucket);
        if (!walk.TryNext(ref visitor))
            return false;
        foreach (ref readonly EntryCopy entry in _bucket.Entries)
        {
            if (entry.Header.Is(EntryForms.InPieces))
                SaveLarge(entry);
            else
                Save(entry);
        }
        return true;
    }

    private void SaveLarge(in EntryCopy entry)
    {
        int length = _bucket.Buffer.Length;
        if (_bucket.TryCopyWhole(new CacheKey(KeyOf(entry), _seed), out EntryCopy whole))
            Save(whole);
        else
            _leftOut++;
        _bucket.Buffer.Cut(length);
    }

    /// <summary>Writes an entry if all of it is whole.</summary>
    private void Save(in EntryCopy entry)
    {
        if (!TryCheck(entry))
        {
            _leftOut++;
            return;
        }
        CopiedChunks chunks = ChunksOf(entry);
        while (chunks.TryNext(out ValueForm form, out _))
            _tables.Write(_writer, form);
        WriteHead(entry);
        _writer.Write(KeyOf(entry));
        _writer.Write(_bucket.Buffer.Bytes.Slice(entry.Tags, entry.TagsLength));
        int count = 0;
        chunks = ChunksOf(entry);
        while (chunks.TryNext(out ValueForm form, out ReadOnlySpan<byte> stored))
        {
            ulong hash = _hashes[count++];
            _writer.Write(form.Number);
            _writer.Write(stored.Length);
            if (!form.IsRaw)
                _writer.Write((long)hash);
            _writer.Write(stored);
        }
        _entries++;
        _contentBytes += entry.Header.KeyLength + (long)entry.Header.ValueLength;
    }

    private void WriteHead(in EntryCopy entry)
    {
        ref readonly EntryHeader header = ref entry.Header;
        EntryForms forms = header.Forms & SavedForms;
        if (header.IsHot)
            forms |= EntryForms.Compressed;
        _writer.Write(SaveFormat.EntryRecord);
        _writer.Write((byte)forms);
        _writer.Write(entry.State.Bits);
        _writer.Write(entry.TagCount);
        _writer.Write(header.KeyLength);
        _writer.Write(header.ValueLength);
        if (header.Is(EntryForms.Expires))
            _writer.Write(header.Is(EntryForms.Slides)
                ? Math.Max(0, Clock.Until(entry.Deadline).Ticks)
                : Clock.UtcOf(entry.Deadline).Ticks);
        if (header.Is(EntryForms.Slides))
            _writer.Write(header.Interval);
        if (header.Is(EntryForms.SlidesWithin))
            _writer.Write(Clock.UtcOf(header.FixedDeadline).Ticks);
    }

    /// <summary>Checks an entry's checksums, decodes it, and notes the hashes of what it is decoded to.</summary>
    private bool TryCheck(in EntryCopy entry)
    {
        ReadOnlySpan<byte> body = _bucket.Buffer.Bytes.Slice(entry.Body, entry.BodyLength);
        if (EntryView.Checksum(body, entry.Tag.Hash) != entry.Tag.Checksum)
            return false;
        if (_hashes.Length < Chunks.CountOf(entry.Header.ValueLength))
            _hashes = new ulong[Chunks.CountOf(entry.Header.ValueLength)];
        ValueCoder coder = _parts.Coding.Take();
        try
        {
            int count = 0;
            CopiedChunks chunks = ChunksOf(entry);
            while (chunks.TryNext(out ValueForm form, out ReadOnlySpan<byte> stored))
            {
                if (chunks.Checksum is { } checksum && checksum != Chunks.Checksum(form, stored, entry.Tag.Hash))
                    return false;
                Span<byte> value = _value.AsSpan(0, chunks.ValueLength);
                if (!coder.TryDecode(form, stored, [], value))
                    return false;
                _hashes[count++] = form.IsRaw ? 0 : XxHash3.HashToUInt64(value);
            }
            return chunks.IsAtEnd;
        }
        finally
        {
            _parts.Coding.Return(coder);
        }
    }

    private ReadOnlySpan<byte> KeyOf(in EntryCopy entry)
    {
        int begin = entry.Header.Is(EntryForms.InPieces) ? entry.Stream : entry.Body + entry.Header.Length;
        return _bucket.Buffer.Bytes.Slice(begin, entry.Header.KeyLength);
    }

    private CopiedChunks ChunksOf(in EntryCopy entry)
    {
        Span<byte> bytes = _bucket.Buffer.Bytes;
        if (entry.Header.Is(EntryForms.InPieces))
            return new CopiedChunks(entry.Header, bytes.Slice(entry.Stream, (int)entry.Header.Rest)[entry.Header.KeyLength..]);
        int begin = entry.Header.Length + entry.Header.KeyLength;
        return new CopiedChunks(entry.Header, bytes.Slice(entry.Body + begin, entry.BodyLength - begin));
    }
}
