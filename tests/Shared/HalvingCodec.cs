using System.Collections.Concurrent;

namespace PageFold.Testing;

/// <summary>
/// Halves pages whose halves are equal, and compresses no others. A test can block decompression, and a page that begins with <see
/// cref="Damaged"/> cannot be decompressed.
/// </summary>
internal sealed class HalvingCodec(string name, bool isFast = false) : PageCodec
{
    public const byte Damaged = 0xBD;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Threads that have decompressed a page so far, by name; the pool's threads have the pool's name.</summary>
    public ConcurrentQueue<string?> Decompressed { get; } = [];

    /// <summary>Open unless closed by a test.</summary>
    public ManualResetEventSlim Gate { get; } = new(true);

    public override string Name => name;

    public override bool IsFast => isFast;

    /// <summary>Pages whose halves are equal.</summary>
    public static byte[] Content(int pageSize, int pages, ulong key, byte? first = null)
    {
        byte[] bytes = new byte[pageSize * pages];
        for (int page = 0; page < pages; page++)
        {
            Span<byte> half = bytes.AsSpan(page * pageSize, pageSize / 2);
            Testing.Content.Fill(half, key + (ulong)page);
            half[0] = first ?? 1;
            half.CopyTo(bytes.AsSpan(page * pageSize + pageSize / 2));
        }
        return bytes;
    }

    public override int MaxCompressedLength(int pageSize) => pageSize;

    public override PageCodecContext CreateContext(int pageSize) => new Context(this);

    private sealed class Context(HalvingCodec owner) : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            written = page.Length / 2;
            return page[..written].SequenceEqual(page[written..]) && page[..written].TryCopyTo(destination);
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
        {
            owner.Decompressed.Enqueue(Thread.CurrentThread.Name);
            if (!owner.Gate.Wait(Patience) || source[0] == Damaged)
                return false;
            source.CopyTo(page);
            source.CopyTo(page[source.Length..]);
            return true;
        }
    }
}
