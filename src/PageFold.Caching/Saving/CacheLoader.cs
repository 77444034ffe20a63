using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using PageFold.Caching.Coding;
using PageFold.Caching.Entries;
using PageFold.Caching.Expiry;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>Loads a saved cache that was validated: first the entries that were used, then the others.</summary>
/// <remarks>
/// <para>
/// Where not all fit, the entries that were used are in the main part when the others come, which pass through the small part and compete
/// as new ones do. What a key has already is newer than the file, and stays.
/// </para>
/// <para>
/// Every compressed chunk is decoded and compared with the hash of what it was made from, so that other tables, or another version of the
/// codec, give a miss and never another value. One thread uses it, for one load.
/// </para>
/// </remarks>
internal sealed class CacheLoader(CacheParts parts, CompressedCacheOptions options, ulong seed, SaveReader reader) : IDisposable
{
    // A number of a tag as it is stored.
    private const int MaxBytesPerTag = 5;

    private readonly LoadedTables _tables = new(parts);
    private readonly GrowingBuffer _chunks = new();
    private readonly GrowingBuffer _value = new();
    private readonly byte[] _key = new byte[CompressedCache.MaxKeyBytes];
    private readonly byte[] _tag = new byte[2 * CompressedCache.MaxTagLength];
    private readonly char[] _name = new char[CompressedCache.MaxTagLength];
    private readonly byte[] _numbers = new byte[EntryView.MaxTags * MaxBytesPerTag];
    private readonly ulong _sequence = parts.Sequence.Last;
    private long _loaded;
    private long _expired;
    private long _superseded;
    private long _refused;

    private CacheClock Clock => parts.Expiry.Clock;

    /// <summary>Loads all entries.</summary>
    public CacheLoadResult Run(CancellationToken cancellationToken)
    {
        Pass(used: true, cancellationToken);
        reader.Rewind();
        Pass(used: false, cancellationToken);
        return new CacheLoadResult(_loaded, _expired, _superseded, _refused);
    }

    public void Dispose()
    {
        _tables.Dispose();
        _chunks.Dispose();
        _value.Dispose();
    }

    private void Pass(bool used, CancellationToken cancellationToken)
    {
        while (reader.TryReadKind(out byte kind))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (kind == SaveFormat.TablesRecord)
            {
                byte[] tables = SaveValidation.ReadTables(reader, out byte number, out bool isCurrent);
                using (parts.Enter())
                    _tables.Add(number, tables, isCurrent);
            }
            else if (kind == SaveFormat.EntryRecord)
            {
                SavedEntry entry = SavedEntry.Read(reader);
                if (entry.IsUsed == used)
                    Load(entry);
                else
                    entry.Skip(reader);
            }
            else
            {
                reader.Damaged($"a record is of kind {kind}");
            }
            parts.Notices.Tell();
        }
    }

    private void Load(in SavedEntry entry)
    {
        scoped EntryTerms terms = new();
        if (!TrySetTerms(entry, ref terms))
        {
            _expired++;
            entry.Skip(reader);
        }
        else if (entry.ValueLength > options.MaxValueBytes)
        {
            _refused++;
            entry.Skip(reader);
        }
        else
        {
            using HeapAccess access = parts.Enter();
            Span<byte> key = _key.AsSpan(0, entry.KeyLength);
            reader.Read(key);
            Count(Store(entry, new CacheKey(key, seed), ref terms));
        }
    }

    private void Count(CacheSetOutcome outcome) =>
        _ = outcome switch
        {
            CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw => _loaded++,
            CacheSetOutcome.Superseded => _superseded++,
            _ => _refused++,
        };

    /// <summary>Sets all but the tags; false if the entry has expired.</summary>
    private bool TrySetTerms(in SavedEntry entry, ref EntryTerms terms)
    {
        terms.Forms = entry.Forms & ~EntryForms.Compressed;
        if (parts.Store.HasStamps)
            terms.Forms |= EntryForms.Stamped;
        terms.FixedDeadline = CacheClock.Never;
        terms.Deadline = CacheClock.Never;
        if (!entry.Is(EntryForms.Expires))
            return true;
        if (!entry.Is(EntryForms.Slides))
        {
            terms.FixedDeadline = DeadlineAt(entry.Expires);
            terms.Deadline = terms.FixedDeadline;
        }
        else
        {
            terms.Interval = entry.Interval;
            // Time that passed in the file is no time without use.
            terms.Deadline = Math.Min(Clock.After(new TimeSpan(entry.Expires)), SlidingInterval.Deadline(entry.Interval, Clock.Now));
            if (entry.Is(EntryForms.SlidesWithin))
                terms.FixedDeadline = DeadlineAt(entry.ExpiresAtLatest);
            terms.Deadline = Math.Min(terms.Deadline, terms.FixedDeadline);
        }
        return terms.Deadline > Clock.Now;
    }

    /// <summary>The deadline at a time of day. A clock that was set back since the save lengthens no entry's time.</summary>
    private uint DeadlineAt(long ticks) =>
        Clock.After(new TimeSpan(ticks - Math.Max(options.TimeProvider.GetUtcNow().UtcTicks, reader.Time.Ticks)));

    private CacheSetOutcome Store(in SavedEntry entry, in CacheKey key, ref EntryTerms terms)
    {
        CacheSetOutcome outcome = ReadTags(entry, out int length);
        terms.Tags = _numbers.AsSpan(0, length);
        bool isWhole = TryReadValue(entry, out bool isStored);
        if (!isWhole && outcome == CacheSetOutcome.Stored)
            outcome = CacheSetOutcome.NoMemory;
        if (outcome != CacheSetOutcome.Stored)
        {
            parts.Links.Release(terms.Tags);
            return outcome;
        }
        // The others compete with those that were used, which are in the main part.
        Index.EntryState state = entry.State.WithMain(entry.IsUsed);
        return isStored
            ? parts.Writer.Restore(key, entry.ValueLength, new StoredChunks(parts.Coding, _chunks.Bytes), terms, state)
            : parts.Writer.Restore(key, _value.Bytes, terms, state);
    }

    /// <summary>Takes references to the entry's tags; stored, or why the entry cannot be. All tags are read in any case.</summary>
    private CacheSetOutcome ReadTags(in SavedEntry entry, out int length)
    {
        length = 0;
        CacheSetOutcome outcome = CacheSetOutcome.Stored;
        for (int tag = 0; tag < entry.TagCount; tag++)
        {
            ReadOnlySpan<char> name = ReadTag();
            if (outcome == CacheSetOutcome.NoMemory)
                continue;
            bool isAcquired = parts.Tags.TryAcquire(name, out uint number);
            for (int round = 0; !isAcquired && parts.Eviction.TryMakeRoomForTables(round); round++)
                isAcquired = parts.Tags.TryAcquire(name, out number);
            if (!isAcquired)
            {
                outcome = CacheSetOutcome.NoMemory;
                continue;
            }
            length = EntryHeader.AppendTag(_numbers, length, number, isLast: tag == entry.TagCount - 1);
            if (parts.Tags.RetiredSince(name, _sequence))
                outcome = CacheSetOutcome.Superseded;
        }
        return outcome;
    }

    private ReadOnlySpan<char> ReadTag()
    {
        Span<byte> bytes = _tag.AsSpan(0, SavedEntry.ReadTagHead(reader, out bool isWide));
        reader.Read(bytes);
        if (isWide)
            return MemoryMarshal.Cast<byte, char>(bytes);
        // A byte above 127, which no save writes, is the character of that number.
        int length = Encoding.Latin1.GetChars(bytes, _name);
        return _name.AsSpan(0, length);
    }

    /// <summary>Reads the chunks as they are stored, and decodes them; false if they are not what was saved.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="isStored">False if the value is to be compressed anew.</param>
    private bool TryReadValue(in SavedEntry entry, out bool isStored)
    {
        _chunks.Cut(0);
        _value.Cut(0);
        // A value that was decompressed for its use is compressed again.
        isStored = !entry.Is(EntryForms.Compressed);
        bool isWhole = true;
        // Whether the decoded value is needed is known when all forms are.
        for (int left = entry.ValueLength; left > 0; left -= Chunks.Length)
        {
            int valueLength = Math.Min(left, Chunks.Length);
            int length = SavedEntry.ReadChunkHead(reader, valueLength, out ValueForm form, out ulong hash);
            Span<byte> chunk = _chunks.Append(StoredChunks.HeaderLength + length);
            Span<byte> stored = chunk[StoredChunks.HeaderLength..];
            reader.Read(stored);
            Span<byte> value = _value.Append(valueLength);
            if (form.IsRaw)
                stored.CopyTo(value);
            else if (isWhole)
                isWhole = _tables.TryDecode(form, stored, value) && XxHash3.HashToUInt64(value) == hash;
            ValueForm? own = _tables.FormOf(form);
            isStored &= own is not null;
            StoredChunks.WriteHeader(chunk, own ?? ValueForm.Raw, length);
        }
        return isWhole;
    }
}
