using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace PageFold.Caching.Tags;

/// <summary>Stores the names of tags in blocks of powers of two, cut from slabs.</summary>
/// <remarks>
/// A name is its characters, a byte each if all are ASCII, otherwise two. Slabs go when they hold no name, all at once; a name longer than
/// a slab's quarter has memory of its own. Not thread-safe.
/// </remarks>
internal sealed unsafe class TagNames(CacheMemory memory)
{
    private const int SmallestBlock = 16;
    private const int SlabBytes = 16 << 10;
    private const int LargestBlock = SlabBytes / 4;

    // Marks the length of a name of two bytes a character.
    private const int Wide = 1 << 30;

    private FreeBlocks _free;

    // The slabs are linked by the address in their first bytes.
    private byte* _slab;

    // Blocks of slabs that have a name.
    private long _blocks;
    private int _used = SlabBytes;
    private long _bytes;

    /// <summary>Bytes taken.</summary>
    public long Bytes => _bytes;

    /// <summary>Whether a stored name is the same, character by character.</summary>
    public static bool Is(byte* stored, int code, ReadOnlySpan<char> name)
    {
        if ((code & Wide) != 0)
            return name.SequenceEqual(new ReadOnlySpan<char>(stored, (code & ~Wide) / sizeof(char)));
        return name.Length == code && Ascii.Equals(new ReadOnlySpan<byte>(stored, code), name);
    }

    /// <summary>Copies a stored name out; returns its characters.</summary>
    public static int Copy(byte* stored, int code, Span<char> destination)
    {
        if ((code & Wide) == 0)
        {
            Ascii.ToUtf16(new ReadOnlySpan<byte>(stored, code), destination, out int length);
            return length;
        }
        ReadOnlySpan<char> name = new(stored, (code & ~Wide) / sizeof(char));
        name.CopyTo(destination);
        return name.Length;
    }

    /// <summary>Stores a name.</summary>
    /// <param name="name">The name, not empty.</param>
    /// <param name="stored">Its address.</param>
    /// <param name="code">Its length in bytes, and how it is stored.</param>
    public bool TryStore(ReadOnlySpan<char> name, out byte* stored, out int code)
    {
        bool isWide = !Ascii.IsValid(name);
        int bytes = isWide ? name.Length * sizeof(char) : name.Length;
        code = isWide ? bytes | Wide : bytes;
        stored = TryTake(bytes);
        if (stored == null)
            return false;
        if (isWide)
            MemoryMarshal.AsBytes(name).CopyTo(new Span<byte>(stored, bytes));
        else
            Ascii.FromUtf16(name, new Span<byte>(stored, bytes), out _);
        return true;
    }

    /// <summary>Frees a name.</summary>
    public void Free(byte* stored, int code)
    {
        int bytes = code & ~Wide;
        if (bytes > LargestBlock)
        {
            memory.Free(stored, bytes);
            _bytes -= bytes;
            return;
        }
        int size = SizeOf(bytes);
        *(nint*)stored = _free[size];
        _free[size] = (nint)stored;
        _blocks--;
        // One slab stays, so that a single name that comes and goes does not take and give it all the time.
        if (_blocks == 0 && *(byte**)_slab != null)
            FreeSlabs();
    }

    /// <summary>Gives all slabs back. Names with memory of their own were freed before.</summary>
    public void Free()
    {
        FreeSlabs();
        _bytes = 0;
    }

    // The logarithm of the block's size, from that of the smallest.
    private static int SizeOf(int bytes) =>
        BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, SmallestBlock))) - BitOperations.Log2(SmallestBlock);

    private byte* TryTake(int bytes)
    {
        if (bytes > LargestBlock)
        {
            byte* own = memory.TryAllocate(bytes);
            if (own != null)
                _bytes += bytes;
            return own;
        }
        int size = SizeOf(bytes);
        if (_free[size] == 0 && !TryCut(size))
            return null;
        byte* block = (byte*)_free[size];
        _free[size] = *(nint*)block;
        _blocks++;
        return block;
    }

    private void FreeSlabs()
    {
        while (_slab != null)
        {
            byte* next = *(byte**)_slab;
            memory.Free(_slab, SlabBytes);
            _bytes -= SlabBytes;
            _slab = next;
        }
        _free = default;
        _used = SlabBytes;
        _blocks = 0;
    }

    // Cuts one block. What is left of a slab that is too small for it becomes smaller blocks.
    private bool TryCut(int size)
    {
        int block = SmallestBlock << size;
        if (SlabBytes - _used < block)
        {
            byte* slab = memory.TryAllocate(SlabBytes);
            if (slab == null)
                return false;
            for (int smaller = size - 1; smaller >= 0; smaller--)
            {
                if (SlabBytes - _used >= SmallestBlock << smaller)
                    Cut(smaller);
            }
            *(byte**)slab = _slab;
            _slab = slab;
            _used = SmallestBlock;
            _bytes += SlabBytes;
        }
        Cut(size);
        return true;
    }

    private void Cut(int size)
    {
        byte* block = _slab + _used;
        _used += SmallestBlock << size;
        *(nint*)block = _free[size];
        _free[size] = (nint)block;
    }

    // For 16 bytes to LargestBlock.
    [InlineArray(9)]
    private struct FreeBlocks
    {
        private nint _first;
    }
}
