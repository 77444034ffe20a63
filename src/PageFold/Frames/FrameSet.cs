using System.Numerics;

namespace PageFold.Frames;

/// <summary>A set of frame numbers as a tree of 64-bit words.</summary>
/// <remarks>
/// A bit of an upper word says that the word below it is not zero. So the first and the last member are found in as many steps as there are
/// levels (5 for 2^29 frames). Memory is touched only where members have been. Not thread-safe: the arena's lock guards the set, and the
/// arena disposes it.
/// </remarks>
internal sealed unsafe class FrameSet : IDisposable
{
    private const int MaxLevels = 6;

    private readonly ulong*[] _levels;
    private readonly ulong* _words;
    private readonly nuint _bytes;
    private ulong* _block;

    public FrameSet(uint capacity)
    {
        Capacity = capacity;
        Span<nuint> sizes = stackalloc nuint[MaxLevels];
        int levels = 0;
        nuint total = 0;
        ulong words = capacity;
        do
        {
            words = (words + 63) / 64;
            sizes[levels++] = (nuint)words;
            total += (nuint)words;
        }
        while (words > 1);
        _bytes = total * sizeof(ulong);
        _block = (ulong*)UntouchedMemory.Allocate(_bytes);
        _levels = new ulong*[levels];
        ulong* next = _block;
        for (int level = 0; level < levels; level++)
        {
            _levels[level] = next;
            next += sizes[level];
        }
        _words = _levels[0];
    }

    public uint Capacity { get; }

    public uint Count { get; private set; }

    public bool Contains(uint frame) => frame < Capacity && (_words[frame >> 6] >> (int)(frame & 63) & 1) != 0;

    /// <summary>Adds a frame; false if it is a member already.</summary>
    public bool Add(uint frame)
    {
        if (Contains(frame))
            return false;
        Count++;
        uint index = frame;
        foreach (ulong* level in _levels)
        {
            ulong* word = level + (index >> 6);
            ulong before = *word;
            *word = before | 1UL << (int)(index & 63);
            if (before != 0)
                break;
            index >>= 6;
        }
        return true;
    }

    /// <summary>Removes a frame; false if it is not a member.</summary>
    public bool Remove(uint frame)
    {
        if (!Contains(frame))
            return false;
        Count--;
        uint index = frame;
        foreach (ulong* level in _levels)
        {
            ulong* word = level + (index >> 6);
            *word &= ~(1UL << (int)(index & 63));
            if (*word != 0)
                break;
            index >>= 6;
        }
        return true;
    }

    /// <summary>The lowest member; false and <see cref="uint.MaxValue"/> if there is none.</summary>
    public bool TryFindFirst(out uint frame)
    {
        frame = uint.MaxValue;
        if (Count == 0)
            return false;
        frame = 0;
        for (int level = _levels.Length - 1; level >= 0; level--)
            frame = frame << 6 | (uint)BitOperations.TrailingZeroCount(_levels[level][frame]);
        return true;
    }

    /// <summary>The highest member; false and <see cref="uint.MaxValue"/> if there is none.</summary>
    public bool TryFindLast(out uint frame)
    {
        frame = uint.MaxValue;
        if (Count == 0)
            return false;
        frame = 0;
        for (int level = _levels.Length - 1; level >= 0; level--)
            frame = frame << 6 | 63 - (uint)BitOperations.LeadingZeroCount(_levels[level][frame]);
        return true;
    }

    public void Dispose()
    {
        UntouchedMemory.Free(_block, _bytes);
        _block = null;
    }
}
