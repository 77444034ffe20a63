using System.Numerics;
using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>
/// The repeated words of same-filled pages that do not fit into a slot, each once, with a count of the pages that are filled with it.
/// Thread-safe: changes take a lock; reading does not.
/// </summary>
/// <remarks>
/// <para>
/// The words are a client's choice, so they are hashed under a secret key: a client cannot choose words that share a bucket.
/// </para>
/// <para>
/// The table grows by linear hashing (Litwin, 1980): each new word splits one bucket, so no change ever moves the whole table while others
/// wait for the lock. Where memory is too short to split, chains get longer up to a bound; beyond it a new word is refused.
/// </para>
/// </remarks>
internal sealed unsafe class PatternTable(MemoryBudget budget, KeyedHash hash)
{
    private const int PatternBlockShift = 8;
    private const int BucketBlockShift = 10;
    private const uint FirstBuckets = 64;
    private const uint MaxBuckets = 1u << 31;
    private const uint MaxPatternsPerBucket = 4;

    // One split keeps up with one new word; two catch up after a shortage of memory.
    private const int MaxSplitsAtOnce = 2;
    private const uint None = 0;

    private readonly Lock _lock = new();

    // Numbered from one, so that zero ends a chain.
    private readonly BlockArray<Pattern> _patterns = new(budget, PatternBlockShift);

    // The number of the first pattern of each chain.
    private readonly BlockArray<uint> _buckets = new(budget, BucketBlockShift);
    private uint _bucketCount;
    private uint _count;
    private uint _live;
    private uint _firstFree;

    public PatternTable(MemoryBudget budget)
        : this(budget, KeyedHash.NewRandom())
    {
    }

    /// <summary>Bytes of patterns and of the way to find them. For tests, which compare them with what is charged.</summary>
    internal long Bytes => _patterns.Bytes + _buckets.Bytes;

    /// <summary>The most patterns in one bucket. For tests.</summary>
    internal int LongestChain
    {
        get
        {
            lock (_lock)
            {
                int longest = 0;
                for (uint bucket = 0; bucket < _bucketCount; bucket++)
                {
                    int length = 0;
                    for (uint number = *_buckets.Find(bucket); number != None; number = At(number)->Next)
                        length++;
                    longest = Math.Max(longest, length);
                }
                return longest;
            }
        }
    }

    /// <summary>Counts one more page filled with a word; false when there is no memory for a new word.</summary>
    public bool TryAdd(ulong word, out uint number)
    {
        lock (_lock)
        {
            number = None;
            if (_bucketCount == 0 && !TryMakeFirstBuckets())
                return false;
            number = Find(word);
            if (number != None)
            {
                At(number)->OtherPages++;
                return true;
            }
            Grow();
            if (_live / MaxPatternsPerBucket >= _bucketCount || !TryTake(out number))
                return false;
            At(number)->OtherPages = 0;
            Link(number, word);
            _live++;
            return true;
        }
    }

    /// <summary>
    /// Gives the word of a page to be filled with another word, without new memory: possible if the other word is known, or if the page was
    /// the only one with its word. The caller holds the page's slot alone.
    /// </summary>
    public bool TryReplace(ref uint number, ulong word)
    {
        lock (_lock)
        {
            uint known = Find(word);
            if (known != None)
            {
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

    /// <summary>Gives everything back if no page is filled with any word; no other thread uses the table meanwhile.</summary>
    public void TrimIfEmpty()
    {
        if (_live == 0)
            Free();
    }

    public void Free()
    {
        _patterns.Free();
        _buckets.Free();
        _bucketCount = _count = _live = _firstFree = 0;
    }

    private Pattern* At(uint number) => _patterns.Find(number);

    /// <summary>
    /// A word's bucket: as many of the hash's low bits as there are buckets, or one fewer where the bucket that all of them name is not
    /// split off yet.
    /// </summary>
    private uint* Bucket(ulong word)
    {
        uint mask = BitOperations.RoundUpToPowerOf2(_bucketCount) - 1;
        uint bucket = (uint)hash.Of(word) & mask;
        return _buckets.Find(bucket < _bucketCount ? bucket : bucket & mask >> 1);
    }

    private uint Find(ulong word)
    {
        uint number = *Bucket(word);
        while (number != None && At(number)->Word != word)
            number = At(number)->Next;
        return number;
    }

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

    private bool TryMakeFirstBuckets()
    {
        if (!_buckets.TryEnsure(FirstBuckets - 1, out _))
            return false;
        _bucketCount = FirstBuckets;
        return true;
    }

    /// <summary>Splits buckets, if there is memory, until a bucket has one pattern on average.</summary>
    private void Grow()
    {
        for (int splits = 0; splits < MaxSplitsAtOnce && _live >= _bucketCount && _bucketCount < MaxBuckets; splits++)
        {
            if (!_buckets.TryEnsure(_bucketCount, out _))
                return;
            Split();
        }
    }

    /// <summary>Adds a bucket and deals the chain of the one that has stood for both.</summary>
    private void Split()
    {
        uint* chain = _buckets.Find(_bucketCount & BitOperations.RoundUpToPowerOf2(_bucketCount + 1) - 1 >> 1);
        uint number = *chain;
        *chain = None;
        _bucketCount++;
        while (number != None)
        {
            uint next = At(number)->Next;
            Link(number, At(number)->Word);
            number = next;
        }
    }

    private struct Pattern
    {
        public ulong Word;

        // Beside the first, so that all pages there can be may share one word.
        public uint OtherPages;
        public uint Next;
    }
}
