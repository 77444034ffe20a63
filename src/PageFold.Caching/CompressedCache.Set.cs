using System.Buffers;
using System.Runtime.CompilerServices;
using PageFold.Caching.Entries;
using PageFold.Caching.Records;

// The overloads differ in the types of key and value, which every call gives.
#pragma warning disable RS0026

namespace PageFold.Caching;

public sealed partial class CompressedCache
{
    // Bytes of the numbers of tags that are kept on the stack; a number has at most five.
    private const int StackTags = 64;
    private const int MaxBytesPerTag = 5;

    /// <summary>Stores a value for a key, in place of an older one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value. If its owner changes it during the call, some mixture is stored.</param>
    /// <param name="policy">When the entry goes by itself, and its tags.</param>
    /// <param name="token">The token of the miss because of which the value was loaded, or none.</param>
    /// <returns>Whether the value was stored, or why not; then the key has no value, or one that was set after the miss.</returns>
    /// <exception cref="ArgumentException">The key is too long, or no text; a tag is null, empty or too long; there are too
    /// many.</exception>
    public CacheSetOutcome Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in CacheEntryPolicy policy = default,
        CacheMissToken token = default) =>
        Write(key, value, policy, token, EntryForms.None);

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte}, in CacheEntryPolicy, CacheMissToken)"/>
    [SkipLocalsInit]
    public CacheSetOutcome Set(string key, ReadOnlySpan<byte> value, in CacheEntryPolicy policy = default, CacheMissToken token = default)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return Set(utf8.Bytes, value, policy, token);
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte}, in CacheEntryPolicy, CacheMissToken)"/>
    public CacheSetOutcome Set(ReadOnlySpan<byte> key, in ReadOnlySequence<byte> value, in CacheEntryPolicy policy = default,
        CacheMissToken token = default)
    {
        if (value.IsSingleSegment)
            return Set(key, value.FirstSpan, policy, token);
        if (value.Length > _options.MaxValueBytes)
            return Refuse(key, token, CacheSetOutcome.TooLarge);
        byte[] whole = ArrayPool<byte>.Shared.Rent((int)value.Length);
        try
        {
            value.CopyTo(whole);
            return Set(key, whole.AsSpan(0, (int)value.Length), policy, token);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte}, in CacheEntryPolicy, CacheMissToken)"/>
    [SkipLocalsInit]
    public CacheSetOutcome Set(string key, in ReadOnlySequence<byte> value, in CacheEntryPolicy policy = default,
        CacheMissToken token = default)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return Set(utf8.Bytes, value, policy, token);
    }

    /// <summary>Removes a key's entry; false if there is none.</summary>
    /// <exception cref="ArgumentException">The key is too long, or no text.</exception>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        CacheKey keyed = KeyOf(key);
        bool removed;
        using (Enter())
            removed = _parts.Removal.TryRemove(keyed, CacheEvictionReason.Removed);
        _parts.Notices.Tell();
        return removed;
    }

    /// <inheritdoc cref="Remove(ReadOnlySpan{byte})"/>
    [SkipLocalsInit]
    public bool Remove(string key)
    {
        using Utf8Key utf8 = new(key, stackalloc byte[Utf8Key.StackLength]);
        return Remove(utf8.Bytes);
    }

    /// <summary>
    /// Removes all entries with a tag, at once and however many they are: from now on they are misses. Their memory goes as they are looked
    /// up, expire, or are evicted.
    /// </summary>
    /// <exception cref="ArgumentException">The tag is empty or too long.</exception>
    public void RemoveByTag(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        IfTagInvalid(tag, nameof(tag));
        using HeapAccess access = Enter();
        _parts.Tags.Retire(tag);
        _parts.Upkeep.NoteDeadTag();
    }

    /// <summary>Stores a value that is never evicted, for what other entries depend on.</summary>
    /// <remarks>
    /// All pinned entries together have a sixteenth of the limit; there is no memory for more. If the value is not stored, an older one
    /// stays.
    /// </remarks>
    internal CacheSetOutcome SetPinned(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in CacheEntryPolicy policy = default) =>
        Write(key, value, policy, default, EntryForms.Pinned);

    private CacheSetOutcome Write(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in CacheEntryPolicy policy, CacheMissToken token,
        EntryForms forms)
    {
        CacheKey keyed = KeyOf(key);
        IfTagsInvalid(policy.Tags);
        CacheSetOutcome outcome;
        using (Enter())
            outcome = WriteInside(keyed, value, policy, token, forms);
        _parts.Notices.Tell();
        return outcome;
    }

    private CacheSetOutcome WriteInside(in CacheKey key, ReadOnlySpan<byte> value, in CacheEntryPolicy policy, CacheMissToken token,
        EntryForms forms)
    {
        if (value.Length > Math.Min(_options.MaxValueBytes, _parts.Eviction.MaxWeight))
            return _parts.Writer.Refuse(key, token, CacheSetOutcome.TooLarge, forms);
        scoped EntryTerms terms = new() { Forms = forms };
        if (_parts.Store.HasStamps)
            terms.Forms |= EntryForms.Stamped;
        if (!terms.TrySetDeadlines(policy, _parts.Expiry.Clock))
            return _parts.Writer.Refuse(key, token, CacheSetOutcome.AlreadyExpired, forms);
        IReadOnlyList<string>? tags = policy.Tags;
        if (tags is not { Count: > 0 })
            return _parts.Writer.Write(key, value, terms, token);

        int count = Math.Min(tags.Count, EntryView.MaxTags);
        int most = count * MaxBytesPerTag;
        byte[]? rented = most > StackTags ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> numbers = rented ?? stackalloc byte[StackTags];
        try
        {
            CacheSetOutcome? refusal = TryNumber(tags, count, token, numbers, out int length);
            if (refusal is { } reason)
                return _parts.Writer.Refuse(key, token, reason, forms);
            terms.Tags = numbers[..length];
            return _parts.Writer.Write(key, value, terms, token);
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Takes references to tags; null, or why the entry is refused, and then none is kept.</summary>
    /// <remarks>The list is the caller's, who may change it meanwhile: each tag is read once and checked.</remarks>
    private CacheSetOutcome? TryNumber(IReadOnlyList<string> tags, int count, CacheMissToken token, Span<byte> numbers, out int length)
    {
        length = 0;
        CacheSetOutcome? refusal = null;
        bool isDone = false;
        try
        {
            for (int i = 0; i < count; i++)
            {
                string tag = tags[i];
                IfTagInvalid(tag, nameof(CacheEntryPolicy.Tags));
                uint number;
                for (int round = 0; !_parts.Tags.TryAcquire(tag, out number); round++)
                {
                    if (!_parts.Eviction.TryMakeRoomForTables(round))
                        return refusal = CacheSetOutcome.NoMemory;
                }
                length = EntryHeader.AppendTag(numbers, length, number, isLast: i == count - 1);
                // A tag that was removed before its number was taken has another one now; later, the number is dead.
                if (token != default && _parts.Tags.RetiredSince(tag, token.Sequence))
                    refusal = CacheSetOutcome.Superseded;
            }
            isDone = true;
            return refusal;
        }
        finally
        {
            if (!isDone || refusal is not null)
                _parts.Links.Release(numbers[..length]);
        }
    }

    private CacheSetOutcome Refuse(ReadOnlySpan<byte> key, CacheMissToken token, CacheSetOutcome outcome)
    {
        CacheKey keyed = KeyOf(key);
        using (Enter())
            _parts.Writer.Refuse(keyed, token, outcome, forms: default);
        _parts.Notices.Tell();
        return outcome;
    }

    private static void IfTagsInvalid(IReadOnlyList<string>? tags)
    {
        if (tags is null)
            return;
        if (tags.Count > EntryView.MaxTags)
            CacheThrow.TooManyTags(tags.Count);
        for (int i = 0; i < tags.Count; i++)
            IfTagInvalid(tags[i], nameof(CacheEntryPolicy.Tags));
    }

    private static void IfTagInvalid(string? tag, string argument)
    {
        if (tag is not { Length: > 0 and <= MaxTagLength })
            CacheThrow.TagInvalid(tag, argument);
    }
}
