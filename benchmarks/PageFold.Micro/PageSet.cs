using System.Runtime.InteropServices;

namespace PageFold.Micro;

/// <summary>Pages to store, one after the other in memory.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class PageSet(byte[] bytes)
{
    /// <summary>Bytes in a page.</summary>
    public const int PageSize = 4096;

    private const int Words = 256;

    /// <summary>The number of pages.</summary>
    public int Count => bytes.Length / PageSize;

    /// <summary>A page's bytes.</summary>
    public ReadOnlySpan<byte> this[int page] => bytes.AsSpan(page * PageSize, PageSize);

    /// <summary>
    /// Makes pages of one repeated word: every second one zeros, the others of a few hundred words that no slot can hold.
    /// </summary>
    public static PageSet SameFilled(int count)
    {
        byte[] bytes = new byte[count * PageSize];
        Random random = new(1);
        long[] words = [.. Enumerable.Range(0, Words).Select(_ => random.NextInt64())];
        Span<long> all = MemoryMarshal.Cast<byte, long>(bytes.AsSpan());
        for (int page = 1; page < count; page += 2)
            all.Slice(page * PageSize / sizeof(long), PageSize / sizeof(long)).Fill(words[page / 2 % Words]);
        return new PageSet(bytes);
    }

    /// <summary>Makes pages that no codec makes smaller.</summary>
    public static PageSet Incompressible(int count)
    {
        byte[] bytes = new byte[count * PageSize];
        new Random(1).NextBytes(bytes);
        return new PageSet(bytes);
    }
}
