using System.Runtime.CompilerServices;

namespace PageFold.Caching.Tags;

/// <summary>Gives each tag that live entries bear a small number, and ends all entries of a tag at once by ending its number.</summary>
/// <remarks>
/// <para>
/// An entry stores the numbers of its tags and holds a reference to each. <see cref="Retire"/> marks the tag's number as dead and takes the
/// name from it, in constant time; the next entry with this tag gets a new number. An entry that bears a dead number is a miss. A number is
/// used again once its last reference has gone: the lowest of three ranges first, so that numbers stay short as varints.
/// </para>
/// <para>
/// A set that redeems a token of a miss does so in this order: acquire the numbers of its tags, ask <see cref="RetiredSince"/> for each,
/// store the entry. A tag that is retired before the question is found by it; one that is retired later kills the number that the set
/// holds.
/// </para>
/// <para>
/// <see cref="IsDead"/> takes no lock. It is asked while the entry holds its reference: by a reader under the entry's lock, or by one that
/// afterwards checks that the entry is still the same. The other calls take one lock, but <see cref="AddReference"/>, and
/// <see cref="Release"/> of a reference that is not the last.
/// </para>
/// <para>
/// A tag takes 24 bytes, its name rounded up to a power of two (a byte a character if all are ASCII, else two) and 4.1 bytes of index. All
/// tables grow by doubling and never move or shrink: what tags have taken once serves other tags. Thread-safe, except <see cref="Free"/>.
/// </para>
/// </remarks>
internal sealed unsafe partial class TagTable(CacheMemory memory, CacheSequence sequence)
{
    // References of a number that no tag has.
    private const int Unused = -1;

    private readonly Lock _lock = new();
    private readonly TagNames _names = new(memory);
    private readonly RetiredTags _retired = new(memory);
    private Segments<Tag> _tags;
    private Segments<ulong> _dead;

    // The first unused number of one, two and more bytes, counted from 1, and the first number that was never used.
    private FreeNumbers _free;
    private uint _end;
    private int _count;

    /// <summary>Numbers in use, dead ones included.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes taken.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return _tags.Bytes + _dead.Bytes + _buckets.Bytes + _names.Bytes + _retired.Bytes;
        }
    }

    /// <summary>Finds or makes the number of a tag, and adds a reference to it.</summary>
    /// <returns>False if there is no memory for a new tag.</returns>
    public bool TryAcquire(ReadOnlySpan<char> name, out uint number)
    {
        uint hash = HashOf(name);
        lock (_lock)
        {
            if (TryFind(name, hash, out number))
            {
                Interlocked.Increment(ref _tags[number].References);
                return true;
            }
            return TryMake(name, hash, out number);
        }
    }

    /// <summary>Adds a reference to a number that the caller has a reference to.</summary>
    public void AddReference(uint number) => Interlocked.Increment(ref _tags[number].References);

    /// <summary>Gives a reference back. With the last one the number goes, and the tag if it has this number still.</summary>
    public void Release(uint number)
    {
        if (Interlocked.Decrement(ref _tags[number].References) != 0)
            return;
        lock (_lock)
        {
            // Meanwhile the tag may have been acquired again, or another thread may have dropped the number.
            if (_tags[number].References == 0)
                Drop(number);
        }
    }

    /// <summary>Ends all entries that bear the tag, and all loads that have begun and may come to bear it.</summary>
    public void Retire(ReadOnlySpan<char> name)
    {
        uint hash = HashOf(name);
        lock (_lock)
        {
            _retired.Add(RetiredTags.HashOf(name, hash), sequence.Next());
            if (!TryFind(name, hash, out uint number))
                return;
            ref Tag tag = ref _tags[number];
            Remove(number);
            _names.Free(tag.Name, tag.NameBytes);
            tag.Name = null;
            Interlocked.Or(ref _dead[number / 64], 1UL << (int)(number % 64));
            // The thread that gave the last reference back waits for the lock, and finds its work done.
            if (tag.References == 0)
                Drop(number);
        }
    }

    /// <summary>Whether the tag of a number was retired. Also true of a number that was never given out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsDead(uint number)
    {
        ulong* word = _dead.Find(number / 64);
        return word == null || (Volatile.Read(ref *word) >> (int)(number % 64) & 1) != 0;
    }

    /// <summary>Copies the name of a number out; false if the tag was retired. An entry has a reference to the number.</summary>
    public bool TryGetName(uint number, Span<char> destination, out int length)
    {
        length = 0;
        lock (_lock)
        {
            // A damaged entry may name a number that was never given out.
            if (number >= _end)
                return false;
            ref Tag tag = ref _tags[number];
            length = tag.Name == null ? 0 : TagNames.Copy(tag.Name, tag.NameBytes, destination);
            return tag.Name != null;
        }
    }

    /// <summary>Whether a tag was retired after an event. True too if so many tags were since that this is forgotten.</summary>
    public bool RetiredSince(ReadOnlySpan<char> name, ulong number)
    {
        ulong hash = RetiredTags.HashOf(name, HashOf(name));
        lock (_lock)
            return _retired.Contains(hash, number);
    }

    /// <summary>Gives all memory back. No other call runs or follows.</summary>
    public void Free()
    {
        // Long names have memory of their own.
        for (uint number = 0; number < _end; number++)
        {
            if (_tags[number].Name != null)
                _names.Free(_tags[number].Name, _tags[number].NameBytes);
        }
        _tags.Free(memory);
        _dead.Free(memory);
        _buckets.Free(memory);
        _names.Free();
        _retired.Free();
    }

    // Keyed by the runtime, once a process: names that are chosen to collide are no danger.
    private static uint HashOf(ReadOnlySpan<char> name) => (uint)string.GetHashCode(name);

    private static int RangeOf(uint number) => number < 1 << 7 ? 0 : number < 1 << 14 ? 1 : 2;

    private bool TryMake(ReadOnlySpan<char> name, uint hash, out uint number)
    {
        number = 0;
        if (!TryAddBucket() || !TryReserve(out number))
            return false;
        ref Tag tag = ref _tags[number];
        uint next = tag.Next;
        if (!_names.TryStore(name, out tag.Name, out tag.NameBytes))
            return false;
        if (number == _end)
            _end++;
        else
            _free[RangeOf(number)] = next;
        tag.Hash = hash;
        Insert(number);
        _count++;
        Volatile.Write(ref tag.References, 1);
        return true;
    }

    // The number that the next tag gets, with room for it in the tables.
    private bool TryReserve(out uint number)
    {
        for (int range = 0; range < FreeNumbers.Length; range++)
        {
            number = _free[range] - 1;
            if (_free[range] != 0)
                return true;
        }
        number = _end;
        return (number < _tags.Capacity || _tags.TryGrow(memory)) && (number / 64 < _dead.Capacity || _dead.TryGrow(memory));
    }

    private void Drop(uint number)
    {
        ref Tag tag = ref _tags[number];
        if (tag.Name != null)
        {
            Remove(number);
            _names.Free(tag.Name, tag.NameBytes);
        }
        else
        {
            Interlocked.And(ref _dead[number / 64], ~(1UL << (int)(number % 64)));
        }
        int range = RangeOf(number);
        tag = new Tag { References = Unused, Next = _free[range] };
        _free[range] = number + 1;
        _count--;
    }

    private struct Tag
    {
        public byte* Name;
        public int NameBytes;
        public int References;
        public uint Hash;

        // The next tag of its bucket, or the next unused number, counted from 1.
        public uint Next;
    }

    [InlineArray(Length)]
    private struct FreeNumbers
    {
        public const int Length = 3;

        private uint _first;
    }
}
