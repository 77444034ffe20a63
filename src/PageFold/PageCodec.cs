using PageFold.Compression;
using PageFold.Compression.Fold;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Lz4;
using PageFold.Compression.Paths;
using PageFold.Frames;

namespace PageFold;

/// <summary>A compression method for single pages: an immutable, thread-safe object that makes compression contexts.</summary>
/// <remarks>
/// Each thread that compresses at a time needs a context of its own. The caller that makes contexts pools them; a store keeps about two a
/// processor. The shape, span in and span out with a flag for "does not fit", is that of the encoders of System.IO.Compression, so
/// the Zstandard of .NET 11 can be added as one more context.
/// </remarks>
public abstract class PageCodec
{
    /// <summary>LZ4, fast mode: the default, for hot data.</summary>
    /// <remarks>
    /// Uses the system's liblz4 where there is one, otherwise <see cref="Lz4Managed"/>; the format is the same.
    /// <see cref="Implementation"/> names the library.
    /// </remarks>
    public static PageCodec Lz4 { get; } =
        Interop.LibLz4.Instance is { } library ? new NativeLz4Codec(library) : new ManagedLz4Codec("lz4");

    /// <summary>LZ4 without native code, for every platform, by this library's own encoder and decoder.</summary>
    /// <remarks>
    /// It looks for matches at more positions than liblz4 does, so results are somewhat shorter. Pages have at most 64 KiB.
    /// </remarks>
    public static PageCodec Lz4Managed { get; } = new ManagedLz4Codec("lz4-managed");

    /// <summary>Stores pages raw.</summary>
    /// <remarks>For measurements, and for data that is compressed already.</remarks>
    public static PageCodec None { get; } = new NoneCodec();

    /// <summary>The codec's name in lower case, as on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>The name for messages: with the level, as the command line takes it.</summary>
    internal virtual string ShownName => Name;

    /// <summary>The library that compresses, and its version, for reports; the name if no library is known.</summary>
    public virtual string Implementation => Name;

    /// <summary>
    /// True if a page is compressed, and decompressed, in about the time that handing it to another thread takes: some microseconds for
    /// 4 KiB.
    /// </summary>
    /// <remarks>
    /// A server reads and writes pages of a fast codec on the thread that receives requests, and hands pages of other codecs to worker
    /// threads, so that they delay no other request of the same client. It is a matter of latency alone: results are the same. False
    /// unless a codec overrides it, since a fast codec on a worker loses a few microseconds a page, and a slow one on the receiving
    /// thread holds up everything behind it. LZ4, <see cref="Fold"/> and <see cref="None"/> are fast, Zstandard is not. The value does not
    /// change.
    /// </remarks>
    public virtual bool IsFast => false;

    /// <summary>Bytes that all contexts share (a digested dictionary), without the bytes of each context; zero or more.</summary>
    /// <remarks>
    /// A store that adds the codec reads the value before it makes contexts and again after the first one, and charges it to its limit.
    /// What the codec holds before it is added, or allocates later, is charged to no store.
    /// </remarks>
    public virtual long SharedBytes => 0;

    /// <summary>Zstandard: denser and slower than LZ4.</summary>
    /// <param name="level">-7 (fastest) to 22 (densest).</param>
    /// <param name="dictionary">Content that pages have in common, trained or typical; empty for none. It must be the same for as long as
    /// pages exist. The codec copies it and digests it for the level, which takes several times its bytes (<see cref="SharedBytes"/>). A
    /// store that uses the codec charges these bytes to its limit; before that they are charged to no store.</param>
    /// <exception cref="ArgumentOutOfRangeException">The level is out of range.</exception>
    /// <exception cref="ArgumentException">Zstandard refuses the dictionary.</exception>
    public static PageCodec Zstd(int level = ZstdCodec.DefaultLevel, ReadOnlySpan<byte> dictionary = default) =>
        new ZstdCodec(level, dictionary);

    /// <summary>The library's own codec, made for pages: denser than LZ4 at its speed, or as dense as Zstandard in half its time.</summary>
    /// <param name="level">The level. Each level reads what the other wrote with the same tables.</param>
    /// <param name="tables">Tables that were trained on pages or texts like those to come; empty for the built-in ones.
    /// They must be the same for as long as pages exist. The codec copies them; a store that uses the codec charges them to its limit
    /// (<see cref="SharedBytes"/>).</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    /// <exception cref="ArgumentException">The bytes are no tables.</exception>
    /// <remarks>
    /// No native code; uses AVX2 and BMI2, or AdvSimd, where the processor has them, and writes the same bytes everywhere. Pages have at
    /// most 64 KiB. The format is specified in docs/codec.md.
    /// </remarks>
    public static PageCodec Fold(FoldLevel level = FoldLevel.Fast, ReadOnlySpan<byte> tables = default)
    {
        CodecThrow.IfLevelInvalid(level, nameof(level));
        if (tables.IsEmpty)
            return new FoldCodec(level, InstructionPaths.Best);
        return FoldCodec.TryMake(level, tables.ToArray(), isOfLibrary: false)
            ?? throw new ArgumentException(
                $"The {tables.Length} bytes are no tables of the codec; pass what training returned, unchanged.", nameof(tables));
    }

    /// <summary>
    /// Trains tables for <see cref="Fold"/> on texts that are not pages of a store, such as the values of a cache.
    /// </summary>
    /// <param name="samples">Typical texts of any lengths, one after the other. They do not change meanwhile.</param>
    /// <param name="lengths">Bytes of each; empty ones do not count.</param>
    /// <param name="options">What the tables are made for; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the training within milliseconds.</param>
    /// <returns>
    /// The tables, and how much they gain on those samples that did not train them. No tables if there are fewer than <see
    /// cref="FoldTraining.MinSamples"/> samples (<see cref="FoldTraining.Gain"/> is null), or if the gain is less than was asked for.
    /// </returns>
    /// <remarks>
    /// Takes a second or two of one processor, and at most <see cref="FoldTrainingOptions.MemoryNeeded"/> bytes in addition to the samples,
    /// nearly all of it outside the GC heap, which are free again when it returns. The same samples and options give the same tables.
    /// Thread-safe.
    /// </remarks>
    /// <exception cref="ArgumentException">An option is out of range, or the lengths are not those of the samples.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the training.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static FoldTraining TrainFold(ReadOnlySpan<byte> samples, ReadOnlySpan<int> lengths, FoldTrainingOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new FoldTrainingOptions();
        options.Check();
        CodecThrow.IfLengthsDiffer(CodecThrow.IfLengthInvalid(lengths), samples.Length);
        using BorrowedMemory memory = BorrowedMemory.Unlimited();
        return TablesTrainer.Run(samples, lengths, options, memory, cancellationToken);
    }

    /// <summary>The maximum length of a compressed page of <paramref name="pageSize"/> bytes; zero or more.</summary>
    /// <remarks>A store has two buffers of that length for each processor.</remarks>
    public abstract int MaxCompressedLength(int pageSize);

    /// <summary>Makes a context for pages of this size. The caller disposes it.</summary>
    /// <remarks>
    /// <para>
    /// A context of the library's own codecs takes shorter texts too, of any length from 1 byte to the page size. The span to decompress
    /// into has exactly the length of the text. Contexts for other page sizes read the result if they can hold the text; with the built-in
    /// tables of <see cref="Fold"/> only those whose page size has the same tables do: up to 4 KiB, up to 16 KiB, and above.
    /// </para>
    /// <para>
    /// An exception reaches the caller that adds the codec to a store (its constructor, AddCodec, UseCodec, Recompress, LoadSnapshot).
    /// Later the store makes more contexts when more threads compress. If that fails, for lack of memory or by any exception, the thread
    /// waits for an existing context. This method and a context must not call the store for which they work; the store refuses such calls.
    /// </para>
    /// </remarks>
    public abstract PageCodecContext CreateContext(int pageSize);

    /// <summary>
    /// Frees what the contexts share as soon as none of them is left; the codec makes no further context. Without this call the garbage
    /// collector frees it some time after the codec is no longer used.
    /// </summary>
    /// <remarks>
    /// For an owner that replaces codecs often, such as a cache that trains tables on its values. Existing contexts go on to work.
    /// Thread-safe. A codec whose contexts share nothing, or only what the library shares with others, ignores the call, as does
    /// Zstandard, whose dictionaries the garbage collector frees. <see cref="CreateContext"/> of a codec of <see cref="Fold"/> with
    /// tables throws <see cref="ObjectDisposedException"/> from then on.
    /// </remarks>
    public virtual void FreeShared()
    {
    }

    /// <summary>The maximum of bytes that a context for pages of this size holds; zero if that is not known in advance.</summary>
    internal virtual long MaxContextBytes(int pageSize) => 0;

    /// <summary>The parameters from which the codec can be made again; null if only its owner can make it.</summary>
    /// <param name="pageSize">Bytes of the pages that the other codec is to read.</param>
    internal virtual CodecDescription? Describe(int pageSize) => null;
}

/// <summary>
/// The state with which one thread at a time compresses and decompresses pages. Not thread-safe; allocates nothing once made.
/// </summary>
/// <remarks>
/// An exception of <see cref="TryCompress"/> or <see cref="TryDecompress"/> reaches the caller of the store's operation; the store is
/// unchanged.
/// </remarks>
public abstract class PageCodecContext : IDisposable
{
    /// <summary>Bytes that the context holds; zero or more.</summary>
    /// <remarks>A store reads the value once and charges it until it disposes the context.</remarks>
    public abstract long Bytes { get; }

    /// <summary>Compresses a page; false if the result does not fit <paramref name="destination"/>.</summary>
    /// <param name="page">
    /// The page. It does not change meanwhile: a store compresses a copy. <see cref="PageCodec.Fold"/> and <see
    /// cref="PageCodec.Lz4Managed"/> copy it first, so that a change gives some other text and does no harm.
    /// </param>
    /// <param name="destination">Receives the result.</param>
    /// <param name="written">Bytes of the result; zero if it does not fit.</param>
    public abstract bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written);

    /// <summary>Decompresses a result of <see cref="TryCompress"/>; false if <paramref name="source"/> is no such result.</summary>
    /// <param name="source">The compressed bytes, without padding.</param>
    /// <param name="page">Receives the whole page; undefined after false.</param>
    public abstract bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page);

    /// <summary>Frees what the context holds.</summary>
    /// <remarks>A store ignores exceptions of this method.</remarks>
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
