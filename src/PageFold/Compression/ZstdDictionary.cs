using ZstdSharp.Unsafe;

namespace PageFold.Compression;

/// <summary>Trains dictionaries for Zstandard: what many pages have in common, so that each can refer to it instead of holding it.</summary>
internal static unsafe class ZstdDictionary
{
    /// <summary>Fewer samples than this say nothing about the rest.</summary>
    public const int LeastSamples = 32;

    // How long the strings are whose frequency is counted, and how many sizes of segments are tried: what Zstandard's own tool takes.
    private const int StringLength = 8;
    private const int Steps = 4;

    // The library counts strings in tables of so many bits.
    private const int TableBits = 20;

    /// <summary>
    /// The most bytes that training takes beside the samples. The tables of the library's algorithm: how often each string occurs (4 bytes an entry, kept and copied) and occurs in a segment (2 bytes); a
    /// few copies of the dictionary; and, to see how well a dictionary does, the dictionary digested and a context, twice.
    /// </summary>
    public static long MostWorkBytes(int samples, int pageSize, int level, int bytes)
    {
        const int Copies = 8;
        const int Block = 128 << 10;
        long tables = (1L << TableBits) * (4 + 4 + 2);
        long digested = (long)Methods.ZSTD_estimateCDictSize((nuint)bytes, level);
        long context = (long)Math.Max(
            Methods.ZSTD_estimateCCtxSize_usingCParams(Methods.ZSTD_getCParams(level, (ulong)pageSize, 0)),
            Methods.ZSTD_estimateCCtxSize_usingCParams(Methods.ZSTD_getCParams(level, (ulong)pageSize, (nuint)bytes)));
        return tables + Copies * (long)bytes + 2 * (digested + context) + 2 * (long)samples * sizeof(nuint) + 2 * Block;
    }

    /// <summary>Trains by the library's fast cover algorithm; null if the samples have too little in common for a dictionary.</summary>
    /// <param name="samples">Typical pages, one behind the other.</param>
    /// <param name="pageSize">Bytes of each.</param>
    /// <param name="level">The level that pages will be compressed at.</param>
    /// <param name="bytes">Bytes of the dictionary at most.</param>
    public static byte[]? Train(ReadOnlySpan<byte> samples, int pageSize, int level, int bytes)
    {
        nuint[] sizes = new nuint[samples.Length / pageSize];
        Array.Fill(sizes, (nuint)pageSize);
        ZDICT_fastCover_params_t parameters = new() { d = StringLength, f = TableBits, steps = Steps };
        parameters.zParams.compressionLevel = level;
        byte[] dictionary = new byte[bytes];
        nuint length;
        fixed (byte* source = samples, target = dictionary)
        fixed (nuint* lengths = sizes)
            length = Methods.ZDICT_optimizeTrainFromBuffer_fastCover(target, (nuint)bytes, source, lengths, (uint)sizes.Length, &parameters);
        return Methods.ZDICT_isError(length) ? null : dictionary[..(int)length];
    }
}
