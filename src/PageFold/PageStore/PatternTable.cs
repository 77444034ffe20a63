using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// The repeated words of same-filled pages that do not fit into a slot, each once, with a count of the pages that are filled with it. Thread-safe: changes
/// take a lock; reading does not.
/// </summary>
internal sealed unsafe class PatternTable(MemoryBudget budget)
{
    private const int BlockShift = 8;
    private const int FirstBuckets = 64;
    private const uint None = 0;

    private readonly Lock _lock = new();

    // Numbered from one, so that zero ends a chain.
    private readonly BlockArray<Pattern> _patterns = new(budget, BlockShift);
    private NativeBuffer _buckets;
    private uint _count;
    private uint _live;
    private uint _firstFree;

    /// <summary>Bytes of patterns and of the way to find them.</summary>
    public long Bytes => _patterns.Bytes + _buckets.Length;

    /// <summary>Counts one more page filled with a word; false when there is no memory for a new word.</summary>
    public bool TryAdd(ulong word, out uint number)
    {
        lock (_lock)
        {
            number = None;
            if (_buckets.IsEmpty && !TryResize(FirstBuckets))
                return false;
            for (number = *Bucket(word); number != None; number = At(number)->Next)
            {
                if (At(number)->Word != word)
                    continue;
                At(number)->OtherPages++;
                return true;
            }
            if (!TryTake(out number))
                return false;
            if (_live > BucketCount)
                _ = TryResize(BucketCount * 2);
            At(number)->OtherPages = 0;
            Link(number, word);
            _live++;
            return true;
        }
    }

    /// <summary>
    /// Gives the word of a page to be filled with another word, without new memory: possible if the other word is known, or if the page was the only one with its
    /// word. The caller holds the page's slot alone.
    /// </summary>
    public bool TryReplace(ref uint number, ulong word)
    {
        lock (_lock)
        {
            for (uint known = *Bucket(word); known != None; known = At(known)->Next)
            {
                if (At(known)->Word != word)
                    continue;
                At(known)->OtherPages++;
                RemoveLocked(number);
                number = known;
                return true;
            }
            if (At(number)->OtherPages > 0)
                return false;
            Unlink(number);
            Link(number, word);
            return true;
        }
    }

    /// <summary>The word that a slot names; the caller keeps the slot from changing.</summary>
    public ulong Get(uint number) => At(number)->Word;

    /// <summary>Counts one page less; the last takes the word with it.</summary>
    public void Remove(uint number)
    {
        lock (_lock)
            RemoveLocked(number);
    }

    /// <summary>Gives everything back if no page is filled with any word; nobody else uses the table meanwhile.</summary>
    public void TrimIfEmpty()
    {
        if (_live == 0)
            Free();
    }

    public void Free()
    {
        _patterns.Free();
        _buckets.Free(budget);
        _buckets = default;
        _count = _live = _firstFree = 0;
    }

    private uint BucketCount => (uint)(_buckets.Length / sizeof(uint));

    private Pattern* At(uint number) => _patterns.Find(number);

    private uint* Bucket(ulong word) =>
        (uint*)_buckets.Pointer + (word * 0x9E3779B97F4A7C15 >> 64 - System.Numerics.BitOperations.Log2(BucketCount));

    private void RemoveLocked(uint number)
    {
        Pattern* pattern = At(number);
        if (pattern->OtherPages > 0)
        {
            pattern->OtherPages--;
            return;
        }
        Unlink(number);
        pattern->Next = _firstFree;
        _firstFree = number;
        _live--;
    }

    private void Link(uint number, ulong word)
    {
        uint* bucket = Bucket(word);
        At(number)->Word = word;
        At(number)->Next = *bucket;
        *bucket = number;
    }

    private void Unlink(uint number)
    {
        uint* link = Bucket(At(number)->Word);
        while (*link != number)
            link = &At(*link)->Next;
        *link = At(number)->Next;
    }

    private bool TryTake(out uint number)
    {
        number = _firstFree;
        if (number != None)
        {
            _firstFree = At(number)->Next;
            return true;
        }
        number = _count + 1;
        if (!_patterns.TryEnsure(number, out _))
            return false;
        _count++;
        return true;
    }

    private bool TryResize(uint buckets)
    {
        if (!NativeBuffer.TryAllocate(budget, (long)buckets * sizeof(uint), out NativeBuffer larger))
            return false;
        NativeBuffer old = _buckets;
        _buckets = larger;
        for (int i = 0; i < (int)(old.Length / sizeof(uint)); i++)
        {
            uint number = ((uint*)old.Pointer)[i];
            while (number != None)
            {
                uint next = At(number)->Next;
                Link(number, At(number)->Word);
                number = next;
            }
        }
        old.Free(budget);
        return true;
    }

    private struct Pattern
    {
        public ulong Word;

        // Beside the first, so that all pages there can be may share one word.
        public uint OtherPages;
        public uint Next;
    }
}
