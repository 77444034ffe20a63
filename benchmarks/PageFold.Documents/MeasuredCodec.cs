namespace PageFold.Documents;

/// <summary>A codec with its dictionary, the documents that it has compressed, and the times that it took.</summary>
/// <param name="name">The name in the table.</param>
/// <param name="context">What compresses; disposed with this.</param>
/// <param name="documents">The documents.</param>
internal sealed class MeasuredCodec(string name, PageCodecContext context, List<byte[]> documents) : IDisposable
{
    // More than any codec makes of a document.
    private readonly byte[] _buffer = new byte[2 * DocumentSet.MaxLength + 256];
    private readonly byte[][] _packed = new byte[documents.Count][];

    public string Name => name;

    /// <summary>Bytes of all compressed documents.</summary>
    public long PackedBytes => _packed.Sum(packed => (long)packed.Length);

    /// <summary>Nanoseconds of each turn.</summary>
    public List<double> CompressTurns { get; } = [];

    /// <inheritdoc cref="CompressTurns"/>
    public List<double> DecompressTurns { get; } = [];

    /// <summary>Compresses every document, decompresses it and compares it.</summary>
    public void Verify()
    {
        for (int i = 0; i < documents.Count; i++)
        {
            if (!context.TryCompress(documents[i], _buffer, out int length))
                throw new InvalidOperationException($"{name} does not compress document {i}.");
            _packed[i] = _buffer[..length];
            Span<byte> back = _buffer.AsSpan(0, documents[i].Length);
            back.Clear();
            if (!context.TryDecompress(_packed[i], back) || !back.SequenceEqual(documents[i]))
                throw new InvalidOperationException($"{name} returns document {i} different.");
        }
    }

    /// <summary>Compresses a batch of documents.</summary>
    public void Compress(ReadOnlySpan<int> batch)
    {
        long begin = ThreadClock.Nanoseconds;
        foreach (int i in batch)
            context.TryCompress(documents[i], _buffer, out _);
        CompressTurns.Add((double)(ThreadClock.Nanoseconds - begin) / batch.Length);
    }

    /// <summary>Decompresses a batch of documents.</summary>
    public void Decompress(ReadOnlySpan<int> batch)
    {
        long begin = ThreadClock.Nanoseconds;
        foreach (int i in batch)
            context.TryDecompress(_packed[i], _buffer.AsSpan(0, documents[i].Length));
        DecompressTurns.Add((double)(ThreadClock.Nanoseconds - begin) / batch.Length);
    }

    public void Dispose() => context.Dispose();
}
