using System.Numerics;

namespace PageFold.Caching.Tags;

/// <summary>The index of names: linear hashing (Litwin, 1980), which divides one bucket with each new tag and so never pauses.</summary>
internal sealed unsafe partial class TagTable
{
    // The first tag of each bucket, counted from 1.
    private Segments<uint> _buckets;
    private uint _bucketCount;

    private bool TryFind(ReadOnlySpan<char> name, uint hash, out uint number)
    {
        uint next = _bucketCount == 0 ? 0 : _buckets[BucketOf(hash)];
        while (next != 0)
        {
            ref Tag tag = ref _tags[next - 1];
            if (tag.Hash == hash && TagNames.Is(tag.Name, tag.NameBytes, name))
            {
                number = next - 1;
                return true;
            }
            next = tag.Next;
        }
        number = 0;
        return false;
    }

    private void Insert(uint number)
    {
        ref Tag tag = ref _tags[number];
        ref uint first = ref _buckets[BucketOf(tag.Hash)];
        tag.Next = first;
        first = number + 1;
    }

    private void Remove(uint number)
    {
        ref Tag tag = ref _tags[number];
        ref uint next = ref _buckets[BucketOf(tag.Hash)];
        while (next != number + 1)
            next = ref _tags[next - 1].Next;
        next = tag.Next;
    }

    // The buckets below the largest power of two are divided one after the other.
    private uint BucketOf(uint hash)
    {
        uint half = 1u << BitOperations.Log2(_bucketCount);
        uint bucket = hash & (2 * half - 1);
        return bucket < _bucketCount ? bucket : bucket & (half - 1);
    }

    // Adds a bucket if there are as many tags, and moves to it those that are now its.
    private bool TryAddBucket()
    {
        if (_count < _bucketCount)
            return true;
        if (_bucketCount == _buckets.Capacity && !_buckets.TryGrow(memory))
            return false;
        uint added = _bucketCount++;
        if (added == 0)
            return true;
        uint next = _buckets[added ^ 1u << BitOperations.Log2(added)];
        _buckets[added ^ 1u << BitOperations.Log2(added)] = 0;
        while (next != 0)
        {
            uint number = next - 1;
            next = _tags[number].Next;
            Insert(number);
        }
        return true;
    }
}
