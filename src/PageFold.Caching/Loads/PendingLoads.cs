using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageFold.Caching.Loads;

/// <summary>
/// Remembers the misses whose values are being loaded, so that a value which is out of date when it arrives is not stored.
/// </summary>
/// <remarks>
/// <para>
/// The table has 1,024 sets of eight words, a cache line each; the key's hash selects the set. A word is one outstanding token: 32 further
/// bits of the hash, and the lower half of its sequence number; 0 is a free word. A token is outstanding while its word stands.
/// <see cref="Begin"/> writes the word, over the oldest of its set if none is free; <see cref="NoteChange"/> clears the words of a key;
/// <see cref="TryRedeem"/> clears the token's own word and succeeds if it was there. Each changes a word by one compare-and-swap and takes
/// no lock.
/// </para>
/// <para>
/// Why that is linearizable: <see cref="Begin"/> is called under the key's lock, shared or exclusive, under which the miss was seen, and
/// the other two are called under its exclusive lock. So no change of the key passes between the miss and its word, and each change either
/// precedes the miss or finds the word. A compare-and-swap that fails in <see cref="NoteChange"/> means that work on another key has
/// replaced or cleared the word, which ends the token too. No word comes back: sequence numbers differ, and a token that is 2^31 events old
/// is refused unseen. A redemption takes effect at its compare-and-swap; the change that the set is follows under the same lock.
/// </para>
/// <para>
/// Two keys that agree in 42 bits of their hashes end each other's tokens. That, a full set, and a table that could not be allocated refuse
/// a value that could have been stored; none of them lets one pass that is out of date. Of the tokens that are outstanding, 1,000 later
/// misses end one in 100,000, 2,000 one in 1,000, and 4,096 one in 20.
/// </para>
/// <para>Thread-safe, except <see cref="Free"/>. The 64 KiB of the table are taken at the first token.</para>
/// </remarks>
internal sealed unsafe class PendingLoads(CacheMemory memory, CacheSequence sequence)
{
    private const int Ways = 8;
    private const int Sets = 1024;
    private const int Words = Sets * Ways;
    private const long TableBytes = (long)Words * sizeof(ulong);

    // The slot of a token that has no word.
    private const uint NoSlot = uint.MaxValue;

    private readonly Lock _making = new();
    private volatile nint _table;
    private PaddedCount _outstanding;

    /// <summary>Bytes taken.</summary>
    public long Bytes => _table == 0 ? 0 : TableBytes;

    /// <summary>Tokens outstanding.</summary>
    public long Outstanding => Volatile.Read(ref _outstanding.Value);

    /// <summary>Registers a miss. The caller holds the key's lock, shared or exclusive, since it saw the miss.</summary>
    /// <returns>
    /// A token for one set. If there is no memory for the table, it is one that no set can redeem: the value is loaded, but not stored.
    /// Storing it without a guard could store a value that is out of date.
    /// </returns>
    public CacheMissToken Begin(ulong keyHash)
    {
        ulong number = sequence.Next();
        // The number whose lower half is zero could make a free word of a token.
        if ((uint)number == 0)
            number = sequence.Next();
        ulong* set = SetOf(keyHash, (ulong*)_table);
        if (set == null && (set = SetOf(keyHash, Make())) == null)
            return new CacheMissToken(NoSlot, number);
        ulong word = WordOf(keyHash, number);
        Interlocked.Increment(ref _outstanding.Value);
        while (true)
        {
            int way = Victim(set, (uint)number, out ulong old);
            if (Interlocked.CompareExchange(ref set[way], word, old) != old)
                continue;
            if (old != 0)
                Interlocked.Decrement(ref _outstanding.Value);
            return new CacheMissToken((uint)(set - (ulong*)_table) + (uint)way, number);
        }
    }

    /// <summary>Ends the tokens of a key that is set, removed or expires. The caller holds the key's exclusive lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteChange(ulong keyHash)
    {
        // A token of this key was counted under its lock, so that this thread sees it in the count.
        if (Volatile.Read(ref _outstanding.Value) != 0)
            End(keyHash);
    }

    /// <summary>Ends a token, and tells whether a set may store the value. The caller holds the key's exclusive lock.</summary>
    /// <remarks>A set that redeemed its token is a change itself: <see cref="NoteChange"/> follows under the same lock.</remarks>
    /// <returns>
    /// True if the token is this key's, no change of the key was noted since it began, it serves for the first time and is not too old;
    /// also for the default value, which guards nothing.
    /// </returns>
    public bool TryRedeem(CacheMissToken token, ulong keyHash)
    {
        if (token.Sequence == 0)
            return true;
        ulong* table = (ulong*)_table;
        if (table == null || token.Slot >= Words || token.Slot / Ways != (uint)keyHash % Sets
            || sequence.Last - token.Sequence > int.MaxValue)
            return false;
        ulong word = WordOf(keyHash, token.Sequence);
        if (Volatile.Read(ref table[token.Slot]) != word || Interlocked.CompareExchange(ref table[token.Slot], 0, word) != word)
            return false;
        Interlocked.Decrement(ref _outstanding.Value);
        return true;
    }

    /// <summary>Ends all tokens that were given out before the call. For clearing the cache.</summary>
    public void EndAll()
    {
        ulong* table = (ulong*)_table;
        if (table == null)
            return;
        for (int i = 0; i < Words; i++)
        {
            if (Volatile.Read(ref table[i]) != 0 && Interlocked.Exchange(ref table[i], 0) != 0)
                Interlocked.Decrement(ref _outstanding.Value);
        }
    }

    /// <summary>Gives the memory back. No other call runs or follows.</summary>
    public void Free()
    {
        if (_table != 0)
            memory.Free((byte*)_table, TableBytes);
        _table = 0;
        _outstanding.Value = 0;
    }

    private static ulong WordOf(ulong keyHash, ulong number) => keyHash >> 32 << 32 | (uint)number;

    private static ulong* SetOf(ulong keyHash, ulong* table) => table == null ? null : table + (uint)keyHash % Sets * Ways;

    // A free word of the set, or the oldest.
    private static int Victim(ulong* set, uint number, out ulong old)
    {
        int oldest = 0;
        uint age = 0;
        old = 0;
        for (int way = 0; way < Ways; way++)
        {
            ulong word = Volatile.Read(ref set[way]);
            if (word == 0)
            {
                old = 0;
                return way;
            }
            // Another thread may have a later number: it counts as new.
            int since = (int)(number - (uint)word);
            if (way == 0 || since > (int)age)
            {
                (oldest, age, old) = (way, (uint)Math.Max(since, 0), word);
            }
        }
        return oldest;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void End(ulong keyHash)
    {
        ulong* set = SetOf(keyHash, (ulong*)_table);
        if (set == null)
            return;
        uint check = (uint)(keyHash >> 32);
        for (int way = 0; way < Ways; way++)
        {
            ulong word = Volatile.Read(ref set[way]);
            if ((uint)(word >> 32) == check && word != 0 && Interlocked.CompareExchange(ref set[way], 0, word) == word)
                Interlocked.Decrement(ref _outstanding.Value);
        }
    }

    private ulong* Make()
    {
        lock (_making)
        {
            if (_table == 0)
                _table = (nint)memory.TryAllocate(TableBytes);
            return (ulong*)_table;
        }
    }

    // In a cache line of its own: each change of a key reads it.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct PaddedCount
    {
        [FieldOffset(64)]
        public long Value;
    }
}
