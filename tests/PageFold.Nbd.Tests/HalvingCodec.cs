namespace PageFold.Nbd.Tests;

/// <summary>Keeps half of pages whose halves are equal, and nothing of others. Reading can be held up, and a page that begins with <see cref="Damaged"/> cannot be read.</summary>
internal sealed class HalvingCodec(string name) : PageCodec
{
    public const byte Damaged = 0xBD;

    /// <summary>Open unless closed by a test.</summary>
    public ManualResetEventSlim Gate { get; } = new(true);

    public override string Name => name;

    /// <summary>Pages whose halves are equal.</summary>
    public static byte[] Content(int pageSize, int pages, ulong key, byte? first = null)
    {
        byte[] bytes = new byte[pageSize * pages];
        for (int page = 0; page < pages; page++)
        {
            Span<byte> half = bytes.AsSpan(page * pageSize, pageSize / 2);
            Tests.Content.Fill(half, key + (ulong)page);
            half[0] = first ?? 1;
            half.CopyTo(bytes.AsSpan(page * pageSize + pageSize / 2));
        }
        return bytes;
    }

    public override int MaxCompressedLength(int pageSize) => pageSize;

    public override PageCodecContext CreateContext(int pageSize) => new Context(Gate);

    private sealed class Context(ManualResetEventSlim gate) : PageCodecContext
    {
        public override long Bytes => 0;

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            written = page.Length / 2;
            return page[..written].SequenceEqual(page[written..]) && page[..written].TryCopyTo(destination);
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
        {
            if (!gate.Wait(RawClient.Patience) || source[0] == Damaged)
                return false;
            source.CopyTo(page);
            source.CopyTo(page[source.Length..]);
            return true;
        }
    }
}
