using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PageFold.Caching.Entries;

namespace PageFold.Caching;

// Every key may be a string or its UTF-8.
public sealed partial class CompressedCache
{
    // What a buffer writer is asked for before the value's length is known.
    private const int FirstSpanHint = 1024;

    /// <summary>Copies a key's value to a span.</summary>
    /// <param name="key">The key.</param>
    /// <param name="destination">Where the value goes; its length may be less than that of the span.</param>
    /// <param name="length">Bytes of the value; zero after a miss.</param>
    /// <returns>A hit, a miss, or too small: then nothing is written, and the length is told.</returns>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public CacheGetOutcome TryGet(ReadOnlySpan<byte> key, Span<byte> destination, out int length)
    {
        CacheGetOutcome outcome = Read(key, ReadMode.Value, destination, wantsToken: false, out FoundEntry found);
        length = found.Length;
        return outcome;
    }

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, Span{byte}, out int)"/>
    [SkipLocalsInit]
    public CacheGetOutcome TryGet(string key, Span<byte> destination, out int length)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return TryGet(utf8.Bytes, destination, out length);
    }

    /// <summary>Copies a key's value to a span; a miss gives out a token for the set of the value that is loaded because of it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="destination">Where the value goes.</param>
    /// <param name="length">Bytes of the value; zero after a miss.</param>
    /// <param name="token">
    /// After a miss, for one set: it is refused if the key, or one of the tags that it is set with, was set or removed in between.
    /// </param>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public CacheGetOutcome TryGet(ReadOnlySpan<byte> key, Span<byte> destination, out int length, out CacheMissToken token)
    {
        CacheGetOutcome outcome = Read(key, ReadMode.Value, destination, wantsToken: true, out FoundEntry found);
        length = found.Length;
        token = found.Token;
        return outcome;
    }

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, Span{byte}, out int, out CacheMissToken)"/>
    [SkipLocalsInit]
    public CacheGetOutcome TryGet(string key, Span<byte> destination, out int length, out CacheMissToken token)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return TryGet(utf8.Bytes, destination, out length, out token);
    }

    /// <summary>Appends a key's value to a buffer writer; false after a miss.</summary>
    /// <remarks>The writer is called while no lock is held. It may be asked for more memory than it is then told to have got.</remarks>
    /// <exception cref="ArgumentNullException">There is no writer.</exception>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, IBufferWriter<byte> destination) => TryGet(key, destination, wantsToken: false, out _);

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    [SkipLocalsInit]
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return TryGet(utf8.Bytes, destination);
    }

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    /// <param name="key">The key.</param>
    /// <param name="destination">Where the value goes.</param>
    /// <param name="token">After a miss, a token for the set of the value that is loaded because of it.</param>
    public bool TryGet(ReadOnlySpan<byte> key, IBufferWriter<byte> destination, out CacheMissToken token) =>
        TryGet(key, destination, wantsToken: true, out token);

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, IBufferWriter{byte}, out CacheMissToken)"/>
    [SkipLocalsInit]
    public bool TryGet(string key, IBufferWriter<byte> destination, out CacheMissToken token)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return TryGet(utf8.Bytes, destination, out token);
    }

    /// <summary>Copies the values of several keys to one span, one after the other.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="destination">Where the values go.</param>
    /// <param name="ranges">
    /// Tells for each key what was found and where its value is. At least as long as <paramref name="keys"/>. A value for which no room is
    /// left is too small.
    /// </param>
    /// <returns>How many keys hit.</returns>
    /// <exception cref="ArgumentException">There are fewer ranges than keys, or a key is too long, or no text.</exception>
    public int GetMany(ReadOnlySpan<string> keys, Span<byte> destination, Span<CacheValueRange> ranges)
    {
        if (ranges.Length < keys.Length)
            CacheThrow.TooFewRanges(ranges.Length, keys.Length);
        int hits = 0;
        int offset = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            CacheGetOutcome outcome = TryGet(keys[i], destination[offset..], out int length);
            ranges[i] = new CacheValueRange(outcome, offset, length);
            if (outcome != CacheGetOutcome.Hit)
                continue;
            hits++;
            offset += length;
        }
        return hits;
    }

    /// <summary>True if the key has a value. No use: neither eviction nor sliding expiry take notice.</summary>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public bool Contains(ReadOnlySpan<byte> key) => Read(key, ReadMode.Presence, [], wantsToken: false, out _) == CacheGetOutcome.Hit;

    /// <inheritdoc cref="Contains(ReadOnlySpan{byte})"/>
    [SkipLocalsInit]
    public bool Contains(string key)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return Contains(utf8.Bytes);
    }

    /// <summary>Uses a key's entry without its value: sliding expiry begins anew. False if there is none.</summary>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public bool Touch(ReadOnlySpan<byte> key) => Read(key, ReadMode.Use, [], wantsToken: false, out _) == CacheGetOutcome.Hit;

    /// <inheritdoc cref="Touch(ReadOnlySpan{byte})"/>
    [SkipLocalsInit]
    public bool Touch(string key)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return Touch(utf8.Bytes);
    }

    /// <summary>The keys of all entries.</summary>
    /// <remarks>A key that is there throughout comes at least once; one that comes, goes or is set meanwhile may come, or twice.</remarks>
    public IEnumerable<byte[]> Keys
    {
        get
        {
            ObjectDisposedException.ThrowIf(!_parts.Store.Heap.TryEnter(out HeapAccess access), this);
            access.Dispose();
            return ListKeys();
        }
    }

    private IEnumerable<byte[]> ListKeys()
    {
        List<byte[]> keys = [];
        using Index.EntryWalk<TagHashes> walk = _parts.Walks.Begin();
        Index.EntryWalk<TagHashes> position = walk;
        while (TryListNext(ref position, keys))
        {
            foreach (byte[] key in keys)
                yield return key;
            keys.Clear();
        }
    }

    private bool TryListNext(ref Index.EntryWalk<TagHashes> walk, List<byte[]> keys)
    {
        using HeapAccess access = Enter();
        return _parts.Walks.TryListNext(ref walk, keys);
    }

    [SuppressMessage("Design", "CA1062", Justification = "Checked by the first line.")]
    private bool TryGet(ReadOnlySpan<byte> key, IBufferWriter<byte> destination, bool wantsToken, out CacheMissToken token)
    {
        ArgumentNullException.ThrowIfNull(destination);
        int hint = FirstSpanHint;
        while (true)
        {
            Span<byte> span = destination.GetSpan(hint);
            if (span.Length < hint)
                CacheThrow.WriterGaveLess(span.Length, hint);
            CacheGetOutcome outcome = Read(key, ReadMode.Value, span, wantsToken, out FoundEntry found);
            token = found.Token;
            if (outcome == CacheGetOutcome.Miss)
                return false;
            if (outcome == CacheGetOutcome.Hit)
            {
                destination.Advance(found.Length);
                return true;
            }
            hint = found.Length;
        }
    }

    private CacheGetOutcome Read(ReadOnlySpan<byte> key, ReadMode mode, Span<byte> destination, bool wantsToken, out FoundEntry found)
    {
        CacheKey keyed = KeyOf(key);
        CacheGetOutcome outcome;
        using (Enter())
        {
            outcome = _parts.Reader.Read(keyed, mode, destination, wantsToken, out found);
            if (mode == ReadMode.Value && outcome != CacheGetOutcome.TooSmall)
                _parts.Counters.Add(outcome == CacheGetOutcome.Hit ? CacheCount.Hits : CacheCount.Misses);
        }
        _parts.Notices.Tell();
        if (found.IsPinned)
            throw new CacheCorruptException($"A pinned entry of the cache '{Name}' is damaged.");
        return outcome;
    }

    private CacheKey KeyOf(ReadOnlySpan<byte> key)
    {
        if (key.Length > MaxKeyBytes)
            CacheThrow.KeyTooLong(key.Length);
        return new CacheKey(key, _seed);
    }
}
