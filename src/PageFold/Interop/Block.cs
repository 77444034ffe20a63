using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PageFold.Interop;

/// <summary>Copies or clears up to a few pages of memory that is often in no cache.</summary>
/// <remarks>
/// For more than about 2 KiB the C library uses the string instructions of the processor. These start slowly, and nothing after them can
/// begin before they end. With a loop over vectors, the cache misses overlap with each other and with what follows.
/// </remarks>
internal static unsafe class Block
{
    /// <summary>Copies bytes between two ranges that do not overlap.</summary>
    public static void Copy(byte* destination, byte* source, int length)
    {
        if (!Vector256.IsHardwareAccelerated || length < Vector256<byte>.Count)
        {
            Unsafe.CopyBlockUnaligned(destination, source, (uint)length);
            return;
        }
        // Loaded first and stored last, because the tail overlaps what the loops store.
        Vector256<byte> tail = Vector256.Load(source + length - Vector256<byte>.Count);
        byte* lastStore = destination + length - Vector256<byte>.Count;
        for (; length >= 4 * Vector256<byte>.Count; length -= 4 * Vector256<byte>.Count)
        {
            Vector256<byte> a = Vector256.Load(source);
            Vector256<byte> b = Vector256.Load(source + Vector256<byte>.Count);
            Vector256<byte> c = Vector256.Load(source + 2 * Vector256<byte>.Count);
            Vector256<byte> d = Vector256.Load(source + 3 * Vector256<byte>.Count);
            a.Store(destination);
            b.Store(destination + Vector256<byte>.Count);
            c.Store(destination + 2 * Vector256<byte>.Count);
            d.Store(destination + 3 * Vector256<byte>.Count);
            source += 4 * Vector256<byte>.Count;
            destination += 4 * Vector256<byte>.Count;
        }
        for (; length >= Vector256<byte>.Count; length -= Vector256<byte>.Count)
        {
            Vector256.Load(source).Store(destination);
            source += Vector256<byte>.Count;
            destination += Vector256<byte>.Count;
        }
        tail.Store(lastStore);
    }

    /// <summary>Fills a range with zeros.</summary>
    public static void Clear(byte* destination, int length)
    {
        if (!Vector256.IsHardwareAccelerated || length < Vector256<byte>.Count)
        {
            Unsafe.InitBlockUnaligned(destination, 0, (uint)length);
            return;
        }
        Vector256<byte> zero = Vector256<byte>.Zero;
        byte* last = destination + length - Vector256<byte>.Count;
        for (; length >= 4 * Vector256<byte>.Count; length -= 4 * Vector256<byte>.Count)
        {
            zero.Store(destination);
            zero.Store(destination + Vector256<byte>.Count);
            zero.Store(destination + 2 * Vector256<byte>.Count);
            zero.Store(destination + 3 * Vector256<byte>.Count);
            destination += 4 * Vector256<byte>.Count;
        }
        for (; length >= Vector256<byte>.Count; length -= Vector256<byte>.Count)
        {
            zero.Store(destination);
            destination += Vector256<byte>.Count;
        }
        zero.Store(last);
    }
}
