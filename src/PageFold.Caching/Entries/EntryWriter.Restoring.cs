using PageFold.Caching.Coding;
using PageFold.Caching.Index;

namespace PageFold.Caching.Entries;

/// <content>Entries that were saved: they replace nothing, since what a key has is newer.</content>
internal sealed partial class EntryWriter
{
    /// <summary>Stores a value in the form in which it was saved; superseded if the key has another value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="length">Bytes of the value.</param>
    /// <param name="chunks">Its chunks.</param>
    /// <param name="terms">What it is stored with. The entry takes the references of the tags over, or they are ended.</param>
    /// <param name="state">What eviction knew of it.</param>
    public CacheSetOutcome Restore(in CacheKey key, int length, StoredChunks chunks, in EntryTerms terms, EntryState state)
    {
        CacheSetOutcome outcome = TryMakeStored(key, length, chunks, terms, out ulong location);
        return Restore(key, outcome, location, terms, state);
    }

    /// <summary>Stores a value that was saved and is compressed anew.</summary>
    public CacheSetOutcome Restore(in CacheKey key, ReadOnlySpan<byte> value, in EntryTerms terms, EntryState state)
    {
        CacheSetOutcome outcome = TryMake(key, value, terms, out ulong location);
        return Restore(key, outcome, location, terms, state);
    }

    private CacheSetOutcome Restore(in CacheKey key, CacheSetOutcome outcome, ulong location, in EntryTerms terms, EntryState state)
    {
        if (outcome is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw)
            return Publish(key, location, terms.Forms, default, state) ?? outcome;
        links.Release(terms.Tags);
        return outcome;
    }

    private CacheSetOutcome TryMakeStored(in CacheKey key, int length, StoredChunks chunks, in EntryTerms terms, out ulong location)
    {
        if (length <= ValueCoder.MaxLength && key.Bytes.Length <= PieceWriter.MaxKeyInObject)
        {
            StoredChunks only = chunks;
            only.TryNext(out ValueForm form, out ReadOnlySpan<byte> stored);
            if (TryMakeObject(key, length, form, stored, terms, out location, out CacheSetOutcome outcome))
                return outcome;
            links.Coding.Release(form);
            if (outcome != CacheSetOutcome.TooLarge)
                return outcome;
        }
        return pieces.TryMake(key, length, terms, ref chunks, out location);
    }
}
