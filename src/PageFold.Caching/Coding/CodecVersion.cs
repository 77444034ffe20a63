using System.Runtime.InteropServices;

namespace PageFold.Caching.Coding;

/// <summary>The codec with the tables of one training, and how many entries need them.</summary>
/// <remarks>
/// An encoder takes a reference before it encodes; the reference belongs to the entry, and ends when the entry is freed. The tables are
/// closed when no reference is left and they are not the current ones: from then on no encoder gets a reference. Thread-safe.
/// </remarks>
internal sealed class CodecVersion
{
    // In the number of references: closed. A reference that is tried meanwhile comes and goes above it.
    private const long Closed = 1L << 62;

    private Counter _references;

    // Small contexts whose memory is charged with the tables and that are not there.
    private int _contexts;

    /// <param name="number">Its number.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="smallBytes">Bytes of a context for short values.</param>
    /// <param name="largeBytes">Bytes of a context for all values.</param>
    /// <param name="bytes">Bytes that are charged for the tables.</param>
    /// <param name="tables">The tables as they were trained; empty for the built-in ones.</param>
    /// <param name="contexts">Small contexts that are charged with the tables.</param>
    public CodecVersion(byte number, PageCodec codec, long smallBytes, long largeBytes, long bytes, byte[] tables,
        int contexts = 0)
    {
        _contexts = contexts;
        (Number, Codec, SmallBytes, LargeBytes, Bytes) = (number, codec, smallBytes, largeBytes, bytes);
        Tables = tables;
    }

    /// <summary>The number that entries have of it.</summary>
    public byte Number { get; }

    /// <summary>The codec.</summary>
    public PageCodec Codec { get; }

    /// <summary>Bytes of a context for values of up to <see cref="ValueCoder.SmallLength"/>.</summary>
    public long SmallBytes { get; }

    /// <summary>Bytes of a context for values of up to <see cref="ValueCoder.MaxLength"/>.</summary>
    public long LargeBytes { get; }

    /// <summary>Bytes that are charged for the tables, and for contexts beforehand.</summary>
    public long Bytes { get; }

    /// <summary>What makes the codec again; empty for the built-in tables.</summary>
    public ReadOnlyMemory<byte> Tables { get; }

    /// <summary>Takes the memory of a small context out of what was charged with the tables; false if nothing is left of it.</summary>
    public bool TryTakeContext()
    {
        for (int left = Volatile.Read(ref _contexts); left > 0; left = Volatile.Read(ref _contexts))
        {
            if (Interlocked.CompareExchange(ref _contexts, left - 1, left) == left)
                return true;
        }
        return false;
    }

    /// <summary>Gives the memory of a small context back to what was charged with the tables.</summary>
    public void ReturnContext() => Interlocked.Increment(ref _contexts);

    /// <summary>The current references.</summary>
    public long References => Volatile.Read(ref _references.Value) & ~Closed;

    /// <summary>The moment in <see cref="CodecVersions"/> at which it was closed.</summary>
    public long ClosedAt { get; set; }

    /// <summary>Takes a reference; false if the version is closed.</summary>
    public bool TryAcquire()
    {
        if (Interlocked.Increment(ref _references.Value) < Closed)
            return true;
        Interlocked.Decrement(ref _references.Value);
        return false;
    }

    /// <summary>Ends a reference; true if it was the last one.</summary>
    public bool Release() => Interlocked.Decrement(ref _references.Value) == 0;

    /// <summary>Closes the version if it has no reference; true once.</summary>
    public bool TryClose() => Interlocked.CompareExchange(ref _references.Value, Closed, 0) == 0;

    /// <summary>A number on a cache line, and its neighbour, of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counter
    {
        [FieldOffset(128)]
        public long Value;
    }
}
