using PageFold.Compression;

namespace PageFold;

/// <summary>
/// A way to compress single pages: an immutable, thread-safe front that makes contexts, one for each thread that compresses at a time. Whoever makes a
/// context pools it; a store keeps about two a processor.
/// </summary>
/// <remarks>
/// The shape, span in and span out with a flag for "does not fit", is that of the encoders of System.IO.Compression, so the Zstandard that comes with
/// .NET 11 drops in as one more context.
/// </remarks>
public abstract class PageCodec
{
    /// <summary>
    /// LZ4, fast mode: the default, for hot data. The system's liblz4 where there is one, otherwise <see cref="Lz4Managed"/>; the format is the same. <see cref="Implementation"/>
    /// says which it is.
    /// </summary>
    public static PageCodec Lz4 { get; } = Interop.LibLz4.Instance is { } library ? new NativeLz4Codec(library) : new ManagedLz4Codec("lz4");

    /// <summary>LZ4 without native code, wherever it runs. Slower, most of all where the runtime cannot optimise by profile (ahead of time).</summary>
    public static PageCodec Lz4Managed { get; } = new ManagedLz4Codec("lz4-managed");

    /// <summary>Stores pages as they are. For measuring, and for data known to be compressed.</summary>
    public static PageCodec None { get; } = new NoneCodec();

    /// <summary>The codec's name, lower case, as the command line takes it.</summary>
    public abstract string Name { get; }

    /// <summary>The library that does the work, and its version, for reports. The name where nothing better is known.</summary>
    public virtual string Implementation => Name;

    /// <summary>
    /// True if a page is compressed, and decompressed, in about the time that handing it to another thread takes: some microseconds for
    /// 4 KiB.
    /// </summary>
    /// <remarks>
    /// A server reads and writes pages of a fast codec on the thread that receives requests, and hands pages of other codecs to worker
    /// threads, so that they delay no other request of the same client. It is a matter of latency alone: results are the same. False
    /// unless a codec overrides it, since a fast codec on a worker loses a few microseconds a page, and a slow one on the receiving
    /// thread holds up everything behind it. LZ4 and <see cref="None"/> are fast, Zstandard is not. The value does not change.
    /// </remarks>
    public virtual bool IsFast => false;

    /// <summary>Bytes that all contexts share (a dictionary, digested), beside what each has for itself; zero or more.</summary>
    /// <remarks>
    /// A store that takes the codec in reads it before it makes contexts and once more after the first, and charges what it read to its
    /// limit. What the codec holds before a store knows it is its owner's
    /// own memory, and so is what it comes to hold later.
    /// </remarks>
    public virtual long SharedBytes => 0;

    /// <summary>Zstandard: denser and slower than LZ4.</summary>
    /// <param name="level">-7 (fastest) to 22 (densest).</param>
    /// <param name="dictionary">What pages have in common, trained or simply typical content; it must be the same for as long as pages
    /// live. Empty for none. It is copied, and digested for the level, which takes
    /// several times its bytes (<see cref="SharedBytes"/>): the caller's own memory, until a store that uses the codec charges it to its
    /// limit.</param>
    /// <exception cref="ArgumentOutOfRangeException">The level is out of range.</exception>
    /// <exception cref="ArgumentException">Zstandard refuses the dictionary.</exception>
    public static PageCodec Zstd(int level = ZstdCodec.DefaultLevel, ReadOnlySpan<byte> dictionary = default) => new ZstdCodec(level, dictionary);

    /// <summary>
    /// The most bytes that a page of <paramref name="pageSize"/> bytes can come to; zero or more. A store has a buffer of so many for
    /// each processor, twice.
    /// </summary>
    public abstract int MaxCompressedLength(int pageSize);

    /// <summary>Makes a context for pages of this size. The caller disposes it.</summary>
    /// <remarks>
    /// An exception reaches the caller who makes the codec known to a store (its constructor, AddCodec, UseCodec, Recompress,
    /// LoadSnapshot). Later the store makes more contexts as more threads come; where one
    /// cannot be made, for want of memory or for any exception, the thread waits for one that is there. Neither this method nor a context
    /// may call the store that it works for: that is refused.
    /// </remarks>
    public abstract PageCodecContext CreateContext(int pageSize);

    /// <summary>The most bytes that a context for pages of this size holds, known before it is made; zero if that is not known.</summary>
    internal virtual long MostContextBytes(int pageSize) => 0;

    /// <summary>What the codec can be made again from, elsewhere and later; null if only its owner can make it.</summary>
    internal virtual CodecDescription? Describe() => null;
}

/// <summary>What one thread at a time needs to compress and decompress pages. Not thread-safe; allocates nothing once made.</summary>
/// <remarks>
/// An exception of <see cref="TryCompress"/> or <see cref="TryDecompress"/> reaches the caller of the store's operation; the store is as
/// it was before.
/// </remarks>
public abstract class PageCodecContext : IDisposable
{
    /// <summary>
    /// Bytes that the context holds; zero or more. A store reads it once and charges what it read until it disposes the context.
    /// </summary>
    public abstract long Bytes { get; }

    /// <summary>Compresses a page; false if the result does not fit <paramref name="destination"/>.</summary>
    /// <param name="page">The page. It does not change meanwhile: a store compresses a copy of its own.</param>
    /// <param name="destination">Receives the result.</param>
    /// <param name="written">Bytes of the result; zero if it does not fit.</param>
    public abstract bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written);

    /// <summary>Decompresses what <see cref="TryCompress"/> made; false if that is not what <paramref name="source"/> is.</summary>
    /// <param name="source">The compressed bytes, exactly.</param>
    /// <param name="page">Receives the page, whole. Undefined after false.</param>
    public abstract bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page);

    /// <summary>Frees what the context holds. A store ignores exceptions: no operation of its own can do anything about them.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Dispose()"/>
    /// <param name="disposing">False from a finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
